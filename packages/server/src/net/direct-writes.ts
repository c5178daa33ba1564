import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/** What Node writes to a plain TCP connection with; not documented, so that it may be missing. */
interface Handle {
  readonly fd?: unknown;
}

/** A socket with what may be written to directly. */
export interface DirectSocket {
  readonly socket: Writable;
  /** Undefined where every byte goes through the stream: TLS, WebSockets, pipes of tests. */
  readonly handle: Handle | undefined;
  readonly fd: number;
}

/** Looks up how the socket can be written to. */
export function directSocket(socket: Writable): DirectSocket {
  // A subclass (TLSSocket) does something to the bytes.
  const handle = Object.getPrototypeOf(socket) === Socket.prototype ? handleOf(socket) : undefined;
  const fd = handle?.fd;
  return typeof fd === 'number' && fd >= 0 ? { socket, handle, fd } : { socket, handle: undefined, fd: -1 };
}

/**
 * As `socket.write(bytes)`, for bytes that are sent to hundreds: where nothing waits in the socket they go to the kernel
 * at once, without what a stream does for each write. What the kernel does not take, and every error, goes through the
 * stream, so that its events and its limits stay as they are. False where it takes no more until it has drained.
 */
export function writeDirectly({ socket, handle, fd }: DirectSocket, bytes: Uint8Array): boolean {
  // While the handle is the socket's, its descriptor is open: `destroy` takes it away before it is closed.
  if (handle === undefined || handleOf(socket) !== handle || socket.writableLength > 0) return socket.write(bytes);
  const written = tryWrite(fd, bytes);
  return written === bytes.length || socket.write(written === 0 ? bytes : bytes.subarray(written));
}

function tryWrite(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes);
  } catch {
    return 0;
  }
}

function handleOf(socket: Writable): Handle | undefined {
  return (socket as { _handle?: Handle | null })._handle ?? undefined;
}
