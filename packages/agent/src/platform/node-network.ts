import { createHash, X509Certificate } from 'node:crypto';
import type { Socket as UdpSocket } from 'node:dgram';
import { connect, isIP, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connect as connectTls, rootCertificates, type TLSSocket } from 'node:tls';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Connection, ConnectionHandler, DialOptions, MulticastQuestion, TlsTrust } from './platform.ts';

/** Opens a socket, with TLS where it is asked for; rejects with kind `unavailable`, `timeout` or `forbidden`. */
export async function openSocket(options: DialOptions): Promise<Socket> {
  const { host, timeoutMs, signal, tls } = options;
  const socket = await connectSocket(options);
  return tls ? await startTls(socket, { host, timeoutMs, ...(signal && { signal }), tls }) : socket;
}

/** All plain sockets read into this one: libuv reads and calls back before it reads the next socket. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Dials for the agent's core. */
export async function dial(options: DialOptions, handler: ConnectionHandler): Promise<Connection> {
  if (options.tls) {
    const secure = await openSocket(options);
    secure.on('data', (bytes: Uint8Array) => handler.onData(bytes));
    return new SocketConnection(secure, handler);
  }
  // A stream would take 64 KB for each read, whatever came: that memory is what a small device lacks.
  const onRead = (count: number) => {
    handler.onData(new Uint8Array(readBuffer.subarray(0, count)));
    return true;
  };
  return new SocketConnection(await connectSocket(options, onRead), handler);
}

function connectSocket(options: DialOptions, onRead?: (count: number) => boolean): Promise<Socket> {
  const { host, port } = options;
  const onread = onRead && { onread: { buffer: readBuffer, callback: onRead } };
  const socket = connect({ host, port, noDelay: true, keepAlive: true, allowHalfOpen: true, ...onread });
  return settled(socket, 'connect', { ...options, what: `${host}:${port}` });
}

/** TLS over a socket that stands; the certificate must be right for `host`, or its key be pinned. */
export async function startTls(
  socket: Socket,
  { host, timeoutMs, signal, tls }: { host: string; timeoutMs: number; signal?: AbortSignal; tls: TlsTrust },
): Promise<TLSSocket> {
  const pins = tls.pins ?? [];
  const secure = connectTls({
    socket,
    ...(isIP(host) === 0 && { servername: host }),
    ...(tls.authorities && { ca: [...rootCertificates, ...tls.authorities] }),
    // With pins the key itself is checked below, which is more than an authority can promise.
    rejectUnauthorized: pins.length === 0,
    ...(pins.length === 0 && isIP(host) !== 0 && { host }),
  });
  await settled(secure, 'secureConnect', { timeoutMs, ...(signal && { signal }), what: `${host} (TLS)` });
  if (pins.length > 0 && !pins.includes(keyPin(secure))) {
    const found = keyPin(secure);
    secure.destroy();
    throw new WatchpostError(
      `${host} has a certificate with another key (${found}) than the configuration allows — somebody may be in between; if the server got a new key, set agent.certificate_pins`,
      { kind: 'forbidden', code: 'AGENT_PIN_MISMATCH' },
    );
  }
  return secure;
}

function keyPin(socket: TLSSocket): string {
  const raw = socket.getPeerCertificate(false)?.raw;
  if (!raw) return 'none';
  const key = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}

function settled<T extends Socket>(
  socket: T,
  event: 'connect' | 'secureConnect',
  { timeoutMs, signal, what }: { timeoutMs: number; signal?: AbortSignal; what: string },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      done();
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    const onError = (cause: NodeJS.ErrnoException) => fail(networkError(cause, what));
    const onClose = () => fail(networkError(new Error('the connection was closed'), what));
    const onAbort = () => fail(signal?.reason);
    const timer = setTimeout(
      () =>
        fail(
          new WatchpostError(`${what} did not answer within ${timeoutMs / 1000} s`, {
            kind: 'timeout',
            code: 'AGENT_TIMEOUT',
          }),
        ),
      timeoutMs,
    );
    const done = () => {
      clearTimeout(timer);
      socket.off('error', onError);
      socket.off('close', onClose);
      signal?.removeEventListener('abort', onAbort);
    };
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.once(event, () => {
      done();
      resolve(socket);
    });
  });
}

/** What an error of a socket means. */
export function networkError(cause: NodeJS.ErrnoException, what: string): WatchpostError {
  const meanings: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'refused the connection — nothing listens there',
    ENOTFOUND: 'is an unknown name — check the spelling and DNS',
    EAI_AGAIN: 'could not be looked up — check DNS',
    EHOSTUNREACH: 'cannot be reached — check that it is on',
    ENETUNREACH: 'cannot be reached: there is no route',
    CERT_HAS_EXPIRED: 'has a certificate that has expired — check the clock of this machine, then the server',
    CERT_NOT_YET_VALID: `has a certificate that is not valid yet: the clock of this machine says ${new Date().toISOString()} — set it, best by NTP (ntpd, chronyd); connecting works once it is right`,
    DEPTH_ZERO_SELF_SIGNED_CERT: 'has a certificate of its own making — set agent.ca_file or agent.certificate_pins',
    SELF_SIGNED_CERT_IN_CHAIN: 'has a certificate of an unknown authority — set agent.ca_file',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'has a certificate of an unknown authority — set agent.ca_file',
    ERR_SSL_WRONG_VERSION_NUMBER: 'speaks no TLS there — is its address without the s: ws://, http://?',
    ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another name — check the address',
  };
  const isRefused = cause.code === 'ECONNREFUSED';
  return new WatchpostError(`${what} ${meanings[cause.code ?? ''] ?? `failed: ${cause.message}`}`, {
    kind: cause.code === 'ETIMEDOUT' ? 'timeout' : 'unavailable',
    code: isRefused ? 'AGENT_REFUSED' : 'AGENT_UNREACHABLE',
    cause,
  });
}

class SocketConnection implements Connection {
  readonly #socket: Socket;

  constructor(socket: Socket, handler: ConnectionHandler) {
    this.#socket = socket;
    let failure: Error | undefined;
    socket.on('drain', () => handler.onDrain?.());
    socket.on('end', () => {
      if (handler.onEnd) handler.onEnd();
      else socket.end();
    });
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => handler.onClose(failure));
  }

  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    return this.#socket.destroyed || this.#socket.writableEnded || this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}

const resendAfterMs = 300;

/** Sends each message from each interface, twice, to the group and the hosts; see `Platform.askByMulticast`. */
export async function askByMulticast(
  { messages, group, port, hosts, waitMs, signal }: MulticastQuestion,
  onAnswer: (answer: Uint8Array, fromAddress: string) => void,
): Promise<void> {
  const sockets = await Promise.all(interfaceAddresses().map((address) => openUdp(address).catch(() => undefined)));
  const open = sockets.filter((socket) => socket !== undefined);
  const send = () => {
    for (const socket of open)
      for (const message of messages) for (const host of [group, ...hosts]) socket.send(message, port, host, () => {});
  };
  try {
    for (const socket of open) socket.on('message', (message, { address }) => onAnswer(message, address));
    send();
    await pause(Math.min(resendAfterMs, waitMs), signal);
    send();
    await pause(Math.max(waitMs - resendAfterMs, 0), signal);
  } finally {
    for (const socket of open) socket.close();
  }
}

function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

/** IPv4 addresses of this machine, without loopback unless there is no other. */
export function interfaceAddresses(): string[] {
  const all = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ family }) => family === 'IPv4');
  const outer = all.filter(({ internal }) => !internal);
  // Loopback too: an agent inside a camera finds the camera there.
  return [...outer, ...all.filter(({ internal }) => internal)].map(({ address }) => address);
}

async function openUdp(address: string): Promise<UdpSocket> {
  const { createSocket } = await import('node:dgram');
  return await new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address, port: 0 }, () => {
      socket.removeAllListeners('error');
      // Without a route a send fails later on: that interface has no cameras then.
      socket.on('error', () => {});
      try {
        socket.setMulticastInterface(address);
        socket.setMulticastTTL(1);
      } catch {
        // Loopback on some systems has no multicast; unicast still works.
      }
      resolve(socket);
    });
  });
}
