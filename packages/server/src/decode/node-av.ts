import { fileURLToPath } from 'node:url';
import type { PictureSize } from './jpeg-decoder.ts';
import type { CodedPictures } from './picture.ts';
import { runDecoder } from './run-decoder.ts';

/** True where the package node-av can be loaded; it is never installed unasked. */
export function hasNodeAv(): boolean {
  try {
    return import.meta.resolve('node-av/api') !== '';
  } catch {
    return false;
  }
}

/** Decodes with the package node-av, in a child process: a fault of native code must not end the server. */
export function decodeWithNodeAv(pictures: CodedPictures, size: PictureSize, signal: AbortSignal): Promise<Uint8Array> {
  const script = fileURLToPath(new URL('./node-av-child.ts', import.meta.url));
  const { codec, count } = pictures;
  const args = [script, JSON.stringify({ codec, count, ...size })];
  return runDecoder({ program: process.execPath, args }, pictures.bytes, signal);
}
