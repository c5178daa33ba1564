import { spawn } from 'node:child_process';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { maxPictureBytes } from './jpeg-decoder.ts';

const maxComplaintChars = 2000;

/** A program that reads coded pictures from its standard input and writes one JPEG to its standard output. */
export interface DecoderCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Libraries that are searched for symbols before all others, in this order. */
  readonly preload?: readonly string[];
}

/**
 * Runs a decoder. Throws `unavailable` where there is no such program (`DECODER_MISSING`) or it was killed (`DECODER_DIED`),
 * `malformed` where no JPEG came.
 */
export function runDecoder(command: DecoderCommand, input: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const child = spawn(command.program, command.args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environment(command.preload ?? []),
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
  child.stdin.end(input);
  child.once('error', (error) => reject((error as NodeJS.ErrnoException).code === 'ENOENT' ? missing() : error));
  child.once('close', (_status, killedBy) => {
    const jpeg = Buffer.concat(pieces);
    if (jpeg.length > 4 && jpeg[0] === 0xff && jpeg[1] === 0xd8) resolve(new Uint8Array(jpeg));
    else reject(killedBy === null || bytes > maxPictureBytes ? undecodable(complaint) : died());
  });
  return promise;
}

/** What this process has, with what it preloads itself first. */
function environment(preload: readonly string[]): NodeJS.ProcessEnv {
  const all = [process.env['LD_PRELOAD'] ?? '', ...preload].filter((library) => library !== '');
  return all.length > 0 ? { ...process.env, LD_PRELOAD: all.join(' ') } : process.env;
}

function missing(): WatchpostError {
  return new WatchpostError(
    'Nothing here decodes pictures — install FFmpeg ("apt install ffmpeg") or the package node-av ("npm install node-av")',
    { kind: 'unavailable', code: 'DECODER_MISSING' },
  );
}

/** The process that decodes was killed, by a lack of memory or by somebody: another try may do. */
export function died(): WatchpostError {
  return new WatchpostError('The program that decodes the picture was killed — ask again', {
    kind: 'unavailable',
    code: 'DECODER_DIED',
  });
}

/** What could not be decoded; the last line of what the decoder says is told. */
export function undecodable(complaint: string): WatchpostError {
  const said = complaint.trim().split('\n').at(-1) ?? '';
  return new WatchpostError(`The picture could not be decoded${said === '' ? '' : `: ${said.slice(0, 300)}`}`, {
    kind: 'malformed',
    code: 'DECODE_FAILED',
  });
}
