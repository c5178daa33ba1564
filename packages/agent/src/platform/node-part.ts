/** A part of the agent's one file, packed there: a module that `share` gives what it has in common with the rest. */
interface Part {
  share(shared: readonly unknown[]): void;
}

/** Loads a part from its packed text, as `textOfBytes` (firmware/packed-part.ts) writes it, of Brotli. */
export async function unpackPart<T extends Part>(packed: string, shared: readonly unknown[]): Promise<T> {
  // Loaded where it is needed only: memory is what small machines lack.
  const { brotliDecompressSync } = await import('node:zlib');
  const code = brotliDecompressSync(bytesOfText(packed));
  const part: T = await import(`data:text/javascript;base64,${code.toString('base64')}`);
  part.share(shared);
  return part;
}

/**
 * Four bytes of each five characters, most significant first: digits of base 85, from "(" to "~" without "\\" and "`". A
 * sixteenth shorter than base64, and a string of JavaScript as it is.
 */
export function bytesOfText(text: string): Uint8Array {
  const bytes = new DataView(new ArrayBuffer((text.length / 5) * 4));
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    value = value * 85 + code - (code > 96 ? 42 : code > 92 ? 41 : 40);
    if (i % 5 < 4) continue;
    bytes.setUint32(((i - 4) / 5) * 4, value);
    value = 0;
  }
  return new Uint8Array(bytes.buffer);
}
