import { open } from 'node:fs/promises';
import type { ByteRange } from './byte-range.ts';

const chunkBytes = 256 * 1024;

/** Bytes of a file of ours on the local disk, as they are asked for. */
export async function* readFile(path: string, range: ByteRange): AsyncIterable<Uint8Array> {
  const file = await open(path, 'r');
  try {
    for (let at = range.start; at < range.end; ) {
      const buffer = new Uint8Array(Math.min(chunkBytes, range.end - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
