import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** Runs a program; rejects with what it said where it fails. */
export const run = promisify(execFile);

/** A message of `record-child.ts`. */
export interface ChildMessage {
  readonly ready?: boolean;
  readonly ends?: Readonly<Record<string, number>>;
  readonly event?: string;
  readonly reason?: string;
  readonly stream?: string;
  readonly cpu?: number;
}

/** A recorder in a process of its own. */
export interface RecordingChild {
  readonly process: ChildProcess;
  readonly messages: ChildMessage[];
  /** Resolves with the first message that `test` is true of, those that came before included. */
  until(test: (message: ChildMessage) => boolean, timeoutMs?: number): Promise<ChildMessage>;
  /** Ends it and waits for that. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

/** Starts a recorder. */
export function startRecorder(settings: Record<string, unknown>): RecordingChild {
  const script = join(import.meta.dirname, 'record-child.ts');
  const child = spawn(process.execPath, [script, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const messages: ChildMessage[] = [];
  let wake: () => void = () => {};
  createInterface({ input: child.stdout }).on('line', (line) => {
    messages.push(JSON.parse(line) as ChildMessage);
    wake();
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void exited.then(() => wake());
  return {
    process: child,
    messages,
    until: async (test, timeoutMs = 15_000) => {
      const endMs = Date.now() + timeoutMs;
      for (;;) {
        const found = messages.find(test);
        if (found !== undefined) return found;
        const leftMs = endMs - Date.now();
        if (leftMs <= 0 || child.exitCode !== null) {
          throw new Error(`the recorder never said it; last: ${JSON.stringify(messages.slice(-5))}`);
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, leftMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    end: async (signal) => {
      child.kill(signal);
      await exited;
    },
  };
}

/** Makes a clip of `seconds` with a key picture each second: H.264 without B pictures, and AAC. */
export async function makeClip(path: string, seconds = 4, kilobits = 200): Promise<void> {
  // Noise cannot be compressed away.
  const noise = kilobits > 1000 ? ',noise=alls=90:allf=t' : '';
  const video = `testsrc2=size=320x240:rate=25:duration=${seconds}${noise}`;
  await run('ffmpeg', [
    ...[
      '-v',
      'error',
      '-y',
      '-f',
      'lavfi',
      '-i',
      video,
      '-f',
      'lavfi',
      '-i',
      `sine=duration=${seconds}:sample_rate=16000`,
    ],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      '-bf',
      '0',
      '-g',
      '25',
      '-b:v',
      `${kilobits}k`,
    ],
    ...['-c:a', 'aac', '-b:a', '32k', '-movflags', 'frag_keyframe+empty_moov+default_base_moof', path],
  ]);
}

/** What FFmpeg complains of when it decodes the whole file; empty where all is well. */
export async function decodeErrors(path: string): Promise<string> {
  try {
    const { stderr } = await run('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-']);
    return stderr.trim();
  } catch (error) {
    return String((error as { stderr?: string }).stderr ?? error);
  }
}

/** A folder of the test's own that goes when it ends. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'watchpost-e2e-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Runs `task` over `items`, two at a time. */
export async function inPairs<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) await task(items[next++]!);
  };
  await Promise.all([lane(), lane()]);
}
