import { malformed } from '../codec/malformed.ts';

const version = 3;
const partBytes = 1536;

/**
 * One side of the handshake (RTMP 1.0 §5.2), the plain one without digests: what all encoders and players of today begin
 * or go on with. What comes is taken in pieces of any size.
 */
export class Handshake {
  readonly #isServer: boolean;
  readonly #send: (bytes: Uint8Array) => void;
  /** Their version and first part, then their second. */
  readonly #theirs = new Uint8Array(1 + partBytes);
  #filled = 0;
  #step: 'first' | 'second' | 'done' = 'first';

  constructor(isServer: boolean, send: (bytes: Uint8Array) => void) {
    this.#isServer = isServer;
    this.#send = send;
  }

  get isDone(): boolean {
    return this.#step === 'done';
  }

  /** The client speaks first. */
  start(): void {
    if (!this.#isServer) this.#send(firstPart());
  }

  /** Takes what belongs to the handshake; returns where the rest begins. Throws `malformed` where it is not RTMP. */
  receive(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.#step !== 'done') {
      const needed = this.#step === 'first' ? 1 + partBytes : partBytes;
      const take = Math.min(needed - this.#filled, end - at);
      this.#theirs.set(bytes.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
      if (this.#step === 'first' && this.#theirs[0] !== version) throw notRtmp(this.#theirs[0]!);
      if (this.#filled === needed) this.#advance();
    }
    return at;
  }

  #advance(): void {
    this.#filled = 0;
    if (this.#step === 'second') {
      // Their echo of ours: some send another, and everybody lets them.
      this.#step = 'done';
      return;
    }
    this.#step = 'second';
    const echo = this.#theirs.slice(1);
    if (!this.#isServer) {
      this.#send(echo);
      return;
    }
    const answer = new Uint8Array(1 + 2 * partBytes);
    answer.set(firstPart());
    answer.set(echo, 1 + partBytes);
    this.#send(answer);
  }
}

/** Version, time 0, four bytes that say "no digest", random bytes. */
function firstPart(): Uint8Array {
  const bytes = new Uint8Array(1 + partBytes);
  bytes[0] = version;
  crypto.getRandomValues(bytes.subarray(9));
  return bytes;
}

function notRtmp(first: number): Error {
  return malformed(
    'RTMP_VERSION',
    first === 6 || first === 8
      ? 'RTMPE is not spoken here: use rtmps://.'
      : `This is not RTMP: it begins with ${first}. Check the port.`,
  );
}
