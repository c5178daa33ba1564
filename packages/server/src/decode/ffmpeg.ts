import { spawn } from 'node:child_process';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { maxPictureBytes, type PictureSize } from './jpeg-decoder.ts';
import type { CodedPictures } from './picture.ts';

const inputFormats = { h264: 'h264', h265: 'hevc', mjpeg: 'mjpeg' } as const;
const maxComplaintChars = 2000;

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

/** Decodes with the `ffmpeg` of PATH. Throws `unavailable` (`DECODER_MISSING`) where there is none. */
export function decodeWithFfmpeg(pictures: CodedPictures, size: PictureSize, signal: AbortSignal): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const child = spawn('ffmpeg', ffmpegArguments(pictures, size), {
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  const pieces: Buffer[] = [];
  let bytes = 0;
  let complaint = '';
  child.stdout.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > maxPictureBytes) child.kill('SIGKILL');
    else pieces.push(piece);
  });
  child.stderr.on('data', (piece: Buffer) => {
    if (complaint.length < maxComplaintChars) complaint += piece.toString();
  });
  // FFmpeg closes its input once it has its picture.
  child.stdin.on('error', () => {});
  child.stdin.end(pictures.bytes);
  child.once('error', (error) => reject((error as NodeJS.ErrnoException).code === 'ENOENT' ? missing() : error));
  child.once('close', () => {
    const jpeg = Buffer.concat(pieces);
    if (jpeg.length > 4 && jpeg[0] === 0xff && jpeg[1] === 0xd8) resolve(new Uint8Array(jpeg));
    else reject(undecodable(complaint));
  });
  return promise;
}

function missing(): WatchpostError {
  return new WatchpostError(
    'Nothing here decodes pictures — install FFmpeg ("apt install ffmpeg") or the package node-av ("npm install node-av")',
    { kind: 'unavailable', code: 'DECODER_MISSING' },
  );
}

function undecodable(complaint: string): WatchpostError {
  const said = complaint.trim().split('\n').at(-1) ?? '';
  return new WatchpostError(`The picture could not be decoded${said === '' ? '' : `: ${said.slice(0, 300)}`}`, {
    kind: 'malformed',
    code: 'DECODE_FAILED',
  });
}
