/** A part of the agent's one file, packed there: a module that `share` gives what it has in common with the rest. */
interface Part {
  share(shared: object): void;
}

/** Loads a part from its packed text, base64 of Brotli. */
export async function unpackPart<T extends Part>(packed: string, shared: object): Promise<T> {
  // Loaded where it is needed only: memory is what small machines lack.
  const { brotliDecompressSync } = await import('node:zlib');
  const code = brotliDecompressSync(Buffer.from(packed, 'base64'));
  const part: T = await import(`data:text/javascript;base64,${code.toString('base64')}`);
  part.share(shared);
  return part;
}
