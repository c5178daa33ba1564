import { decodeWithFfmpeg } from './ffmpeg.ts';
import type { DecodeJpeg } from './jpeg-decoder.ts';
import { decodeWithNodeAv, hasNodeAv } from './node-av.ts';

/** Decodes in a child process: with the package node-av where it is installed, else with the `ffmpeg` of PATH. */
export const decodeJpeg: DecodeJpeg = (pictures, size, signal) =>
  hasNodeAv() ? decodeWithNodeAv(pictures, size, signal) : decodeWithFfmpeg(pictures, size, signal);
