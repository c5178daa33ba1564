import type { TextMistake } from './mistake.ts';

const strict = () => new TextDecoder('utf-8', { fatal: true });
const cure = 'save it as UTF-8 (in most editors: "Save as", then "Encoding")';

/** The text of a file in UTF-8, without a byte order mark; what is wrong where it is in another encoding, or no text. */
export function decodeText(bytes: Uint8Array): string | TextMistake {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16) return { line: 1, column: 1, text: 'the file is saved as UTF-16', cure };
  const zero = bytes.indexOf(0);
  if (zero >= 0) {
    const text = 'the file is not plain text: there is a zero byte in it';
    return { ...byteAt(bytes, zero), text, cure: `name a text file, or ${cure}` };
  }
  try {
    return strict().decode(bytes);
  } catch {
    const offset = brokenAt(bytes);
    const byte = bytes[offset]!.toString(16).padStart(2, '0');
    return { ...byteAt(bytes, offset), text: `a letter here is not in UTF-8 (byte 0x${byte})`, cure };
  }
}

/** Offset of the line's first byte that is not UTF-8: lines are decoded one by one, then the bytes of that line. */
function brokenAt(bytes: Uint8Array): number {
  for (let start = 0; ; ) {
    const newline = bytes.indexOf(0x0a, start);
    const line = bytes.subarray(start, newline < 0 ? bytes.length : newline);
    const length = soundLength(line);
    if (length < line.length || newline < 0) return start + Math.min(length, line.length - 1);
    start = newline + 1;
  }
}

/** Bytes from the beginning that are UTF-8. */
function soundLength(line: Uint8Array): number {
  const decoded = new TextDecoder('utf-8', { ignoreBOM: true }).decode(line);
  let length = 0;
  for (const character of decoded) {
    const width = new TextEncoder().encode(character).length;
    // A replacement character that was written as such is sound.
    if (character === '\ufffd' && line[length] !== 0xef) return length;
    length += width;
  }
  return line.length;
}

function byteAt(bytes: Uint8Array, offset: number): { line: number; column: number } {
  const before = bytes.subarray(0, offset);
  const start = before.lastIndexOf(0x0a) + 1;
  let line = 1;
  for (let at = before.indexOf(0x0a); at >= 0; at = before.indexOf(0x0a, at + 1)) line++;
  return { line, column: new TextDecoder().decode(before.subarray(start)).length + 1 };
}
