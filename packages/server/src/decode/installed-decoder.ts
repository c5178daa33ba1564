import { FfmpegDecoder } from './ffmpeg.ts';
import type { JpegDecoderOptions } from './jpeg-decoder.ts';
import { hasNodeAv, NodeAvDecoder, nodeAvBroken } from './node-av.ts';

/** Decodes with the package node-av where it is installed and can be loaded, else with the `ffmpeg` of PATH. */
export function installedDecoder(): Pick<JpegDecoderOptions, 'decode' | 'close'> {
  const ffmpeg = new FfmpegDecoder();
  if (!hasNodeAv()) return { decode: (...asked) => ffmpeg.decode(...asked) };
  const nodeAv = new NodeAvDecoder();
  let isBroken = false;
  return {
    decode: async (pictures, size, signal) => {
      if (!isBroken) {
        try {
          return await nodeAv.decode(pictures, size, signal);
        } catch (thrown) {
          if (thrown !== nodeAvBroken) throw thrown;
          isBroken = true;
        }
      }
      return await ffmpeg.decode(pictures, size, signal);
    },
    close: () => nodeAv[Symbol.asyncDispose](),
  };
}
