import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { PictureSize } from './jpeg-decoder.ts';
import type { CodedPictures } from './picture.ts';
import { died, undecodable } from './run-decoder.ts';

/** What the child is asked. */
export interface NodeAvQuestion extends CodedPictures, PictureSize {}

/** What it answers; empty once it has loaded the package. */
export interface NodeAvAnswer {
  readonly jpeg?: Uint8Array;
  readonly error?: string;
}

/** A child that nobody asks costs about 80 MB and is ended. */
const idleMs = 30_000;
/** Then the next one is begun: what native code might leak does not add up. */
const maxPictures = 10_000;

/** Thrown by `decode` where the package is there but cannot be loaded, as without its binary for this machine. */
export const nodeAvBroken = new WatchpostError('The package node-av is installed but cannot be loaded', {
  kind: 'unavailable',
  code: 'NODE_AV_BROKEN',
});

/** True where the package node-av is installed; it never is unasked. */
export function hasNodeAv(): boolean {
  try {
    return import.meta.resolve('node-av/lib') !== '';
  } catch {
    return false;
  }
}

/**
 * Decodes with the package node-av in child processes that stay for the next picture: starting one costs more than
 * thirty pictures, and a fault of native code must not end the server. As many children as pictures are asked for at once.
 */
export class NodeAvDecoder implements AsyncDisposable {
  readonly #all = new Set<DecoderChild>();
  /** The one used last is last, so that those which are too many stay idle. */
  readonly #idle: DecoderChild[] = [];

  /** JPEG of the newest picture. Throws `nodeAvBroken`, `malformed` for what cannot be decoded, `DECODER_DIED`, what `signal` says. */
  async decode(pictures: CodedPictures, size: PictureSize, signal: AbortSignal): Promise<Uint8Array> {
    const child = this.#idle.pop() ?? this.#start();
    try {
      return await child.ask({ ...pictures, ...size }, signal);
    } finally {
      if (child.isUsable) this.#idle.push(child);
      else child.end();
    }
  }

  /** Ends the children. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#all].map((child) => child.end()));
  }

  #start(): DecoderChild {
    const child = new DecoderChild(() => {
      this.#all.delete(child);
      const at = this.#idle.indexOf(child);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    this.#all.add(child);
    return child;
  }
}

interface Waiting {
  readonly resolve: (jpeg: Uint8Array) => void;
  readonly reject: (reason: unknown) => void;
}

/** One child: it is asked one thing at a time, and is ended where it is asked nothing for long. */
class DecoderChild {
  readonly #process: ChildProcess;
  readonly #gone: Promise<void>;
  #waiting: Waiting | undefined;
  #isReady = false;
  #pictures = 0;
  #hasEnded = false;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(onGone: () => void) {
    const script = fileURLToPath(new URL('./node-av-child.ts', import.meta.url));
    const child = fork(script, {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.#process = child;
    const gone = Promise.withResolvers<void>();
    this.#gone = gone.promise;
    child.on('message', (answer: NodeAvAnswer) => this.#take(answer));
    const onEnd = () => {
      this.#hasEnded = true;
      clearTimeout(this.#idleTimer);
      this.#settle(({ reject }) => reject(this.#isReady ? died() : nodeAvBroken));
      onGone();
      gone.resolve();
    };
    child.once('exit', onEnd);
    child.once('error', onEnd);
  }

  /** False once it has to be ended. */
  get isUsable(): boolean {
    return !this.#hasEnded && this.#pictures < maxPictures;
  }

  ask(question: NodeAvQuestion, signal: AbortSignal): Promise<Uint8Array> {
    clearTimeout(this.#idleTimer);
    this.#hold(true);
    this.#pictures++;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.#waiting = { resolve, reject };
    // Native code cannot be told to stop.
    const onAbort = () => {
      this.#settle((waiting) => waiting.reject(signal.reason));
      void this.end();
    };
    if (signal.aborted) onAbort();
    else {
      signal.addEventListener('abort', onAbort, { once: true });
      this.#process.send(question, () => {});
    }
    return promise.finally(() => {
      signal.removeEventListener('abort', onAbort);
      this.#hold(false);
      this.#idleTimer = setTimeout(() => void this.end(), idleMs).unref();
    });
  }

  /** Resolves once it is gone. */
  end(): Promise<void> {
    this.#hasEnded = true;
    this.#process.kill('SIGKILL');
    // Whoever waits for it may have nothing else to do.
    this.#process.ref();
    return this.#gone;
  }

  #take({ jpeg, error }: NodeAvAnswer): void {
    this.#isReady = true;
    if (jpeg !== undefined) this.#settle(({ resolve }) => resolve(jpeg));
    else if (error !== undefined) this.#settle(({ reject }) => reject(undecodable(error)));
  }

  #settle(how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) how(waiting);
  }

  /** A child that is asked nothing does not keep this process alive. */
  #hold(isBusy: boolean): void {
    const channel = this.#process.channel;
    if (isBusy) {
      this.#process.ref();
      channel?.ref();
    } else {
      this.#process.unref();
      channel?.unref();
    }
  }
}
