import { writeIvf } from '@watchpost/media/container/ivf.ts';
import type { PictureSize } from './jpeg-decoder.ts';
import { librariesInOrder } from './library-order.ts';
import type { CodedPictures } from './picture.ts';
import { runDecoder } from './run-decoder.ts';

const inputFormats = { h264: 'h264', h265: 'hevc', mjpeg: 'mjpeg', av1: 'ivf', vp8: 'ivf', vp9: 'ivf' } as const;

/** Arguments that make FFmpeg read pictures from standard input and write the newest as JPEG to standard output. */
export function ffmpegArguments({ codec, count }: Pick<CodedPictures, 'codec' | 'count'>, size: PictureSize): string[] {
  const filters: string[] = [];
  // Where a picture or two cannot be decoded there are fewer: the last ones of a few are as good.
  if (count > 1) filters.push(`select=gte(n\\,${count - 1})`);
  const scale = scaleFilter(size);
  if (scale !== undefined) filters.push(scale);
  return [
    ...['-hide_banner', '-loglevel', 'error', '-threads', '1', '-probesize', '1000000', '-analyzeduration', '0'],
    ...['-f', inputFormats[codec], '-i', 'pipe:0', '-an', '-filter_threads', '1'],
    ...(filters.length > 0 ? ['-vf', filters.join(',')] : []),
    ...[
      '-fps_mode',
      'passthrough',
      '-frames:v',
      '1',
      '-threads',
      '1',
      '-c:v',
      'mjpeg',
      '-q:v',
      '4',
      '-f',
      'mjpeg',
      'pipe:1',
    ],
  ];
}

function scaleFilter({ width, height }: PictureSize): string | undefined {
  if (width === undefined && height === undefined) return undefined;
  if (width === undefined) return `scale=-2:${height}`;
  if (height === undefined) return `scale=${width}:-2`;
  return `scale=${width}:${height}:force_original_aspect_ratio=decrease:force_divisible_by=2`;
}

/**
 * Decodes with the `ffmpeg` of PATH, one process for each picture. From the second picture on its libraries are searched
 * in the order that suits it (`librariesInOrder`), for as long as that makes no difference but to what it costs.
 */
export class FfmpegDecoder {
  readonly #program: string;
  #hasBegun = false;
  #libraries: Promise<readonly string[]> | undefined;

  constructor(program = 'ffmpeg') {
    this.#program = program;
  }

  /** Throws `unavailable` (`DECODER_MISSING`) where there is none, `malformed` for what it cannot decode. */
  async decode(pictures: CodedPictures, size: PictureSize, signal: AbortSignal): Promise<Uint8Array> {
    const command = { program: this.#program, args: ffmpegArguments(pictures, size) };
    const input = inputOf(pictures);
    const preload = await this.#preload(signal);
    if (preload.length === 0) return await runDecoder(command, input, signal);
    try {
      return await runDecoder({ ...command, preload }, input, signal);
    } catch {
      signal.throwIfAborted();
      const jpeg = await runDecoder(command, input, signal);
      this.#libraries = Promise.resolve([]);
      return jpeg;
    }
  }

  /** None for the first picture: who wants one only does not wait for what others save. */
  #preload(signal: AbortSignal): Promise<readonly string[]> | readonly string[] {
    if (this.#hasBegun) this.#libraries ??= librariesInOrder(this.#program, ['-version'], signal);
    this.#hasBegun = true;
    return this.#libraries ?? [];
  }
}

function inputOf({ codec, bytes, ends }: CodedPictures): Uint8Array {
  return codec === 'av1' || codec === 'vp8' || codec === 'vp9' ? writeIvf(codec, bytes, ends) : bytes;
}
