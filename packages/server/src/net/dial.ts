import { connect, isIP, type Socket } from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';

const defaultTimeoutMs = 10_000;

/** How to reach the other end. */
export interface DialTarget {
  readonly host: string;
  readonly port: number;
  /** Unanswered for so long: `timeout`. Default 10 000 ms. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /**
   * Called for each read with a buffer that is overwritten after the call: copy what is kept. Replaces the 'data' event
   * (`onread` of node:net), so that no stream machinery runs for each packet. Where it returns false nothing more is read
   * until `resume`, if the transport can do that.
   */
  readonly onRead?: (bytes: number, buffer: Uint8Array) => unknown;
}

/** Opens a TCP connection; rejects with kind `unavailable` (refused, no route, unknown host) or `timeout`, message with the next step. */
export type Dial = (target: DialTarget) => Promise<Socket>;

/** All sockets read into this one: libuv reads and calls back before it reads the next socket. */
const readBuffer = new Uint8Array(256 * 1024);

/** Dials over the machine's own network. */
export const dialTcp: Dial = (target) =>
  new Promise((resolve, reject) => {
    const { host, port, signal, onRead } = target;
    if (signal?.aborted) return reject(signal.reason);
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      ...(onRead && { onread: { buffer: readBuffer, callback: readInto(onRead) } }),
    });
    const timeoutMs = target.timeoutMs ?? defaultTimeoutMs;
    let isLookedUp = isIP(host) !== 0;
    const onLookup = () => {
      isLookedUp = true;
    };
    const timer = setTimeout(() => fail((isLookedUp ? timedOut : notLookedUp)(target, timeoutMs)), timeoutMs);
    const onAbort = () => fail(signal?.reason);
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', onError);
    };
    const fail = (reason: unknown) => {
      settle();
      socket.on('error', () => {});
      socket.destroy();
      reject(reason);
    };
    const onError = (error: NodeJS.ErrnoException) => fail(dialError(error, target));
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('lookup', onLookup);
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
  });

function readInto(onRead: NonNullable<DialTarget['onRead']>): (bytes: number, buffer: Uint8Array) => boolean {
  return (bytes, buffer) => onRead(bytes, buffer) !== false;
}

function timedOut({ host, port }: DialTarget, timeoutMs: number): WatchpostError {
  return new WatchpostError(
    `${host}:${port} did not answer within ${timeoutMs / 1000} s — check the address, the network between, and a firewall that drops packets`,
    { kind: 'timeout', code: 'DIAL_TIMEOUT', context: { host, port } },
  );
}

function notLookedUp({ host, port }: DialTarget, timeoutMs: number): WatchpostError {
  return new WatchpostError(
    `The name "${host}" was not looked up within ${timeoutMs / 1000} s — check DNS, or use the IP address`,
    { kind: 'timeout', code: 'DIAL_LOOKUP_TIMEOUT', context: { host, port } },
  );
}

const dialErrors: Readonly<Record<string, { code: string; tell: (host: string, port: number) => string }>> = {
  ECONNREFUSED: {
    code: 'DIAL_REFUSED',
    tell: (host, port) =>
      `${host} refused port ${port} — the device is there, but nothing listens on it: check the port and that the protocol is switched on`,
  },
  ENOTFOUND: {
    code: 'DIAL_UNKNOWN_HOST',
    tell: (host) => `No address is known for "${host}" — check the spelling, or use the IP address`,
  },
  EAI_AGAIN: {
    code: 'DIAL_UNKNOWN_HOST',
    tell: (host) => `The name "${host}" could not be looked up — check DNS, or use the IP address`,
  },
  EHOSTUNREACH: {
    code: 'DIAL_UNREACHABLE',
    tell: (host) => `${host} cannot be reached — check that it is switched on and in the same network`,
  },
  ENETUNREACH: {
    code: 'DIAL_UNREACHABLE',
    tell: (host) => `There is no route to ${host} — check this machine's network and the address`,
  },
  ETIMEDOUT: {
    code: 'DIAL_TIMEOUT',
    tell: (host, port) => `${host}:${port} did not answer — check the address and the network between`,
  },
};

/** What an error of a socket means to a person. */
export function dialError(
  error: NodeJS.ErrnoException,
  { host, port }: { host: string; port: number },
): WatchpostError {
  const known = dialErrors[error.code ?? ''];
  return new WatchpostError(known?.tell(host, port) ?? `The connection with ${host}:${port} failed: ${error.message}`, {
    kind: known?.code === 'DIAL_TIMEOUT' ? 'timeout' : 'unavailable',
    code: known?.code ?? 'CONNECTION_FAILED',
    context: { host, port },
    cause: error,
  });
}
