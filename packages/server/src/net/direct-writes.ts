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
 * As `socket.write(bytes)` of each, for bytes that are sent to hundreds: where nothing waits in a socket they go to the
 * kernel at once, without what a stream does for each write. What the kernel does not take, and every error, goes through
 * the stream, so that its events and its limits stay as they are. Returns the places of those that take no more until they
 * have drained.
 *
 * All sockets are looked at before the first one is written to: whatever a system call leaves of the processor's caches is
 * the network stack's, and what is fetched between two of them is waited for, one after the other.
 */
export function writeToAll(sockets: readonly DirectSocket[], bytes: Uint8Array): readonly number[] {
  const count = sockets.length;
  const descriptors = new Int32Array(count);
  for (let i = 0; i < count; i++) descriptors[i] = descriptorOf(sockets[i]!);
  /** Of those that are written to through their streams, with what was written already: that may be anybody's code. */
  const rest: { readonly place: number; readonly from: number }[] = [];
  for (let place = 0; place < count; place++) {
    const fd = descriptors[place]!;
    const from = fd < 0 ? 0 : tryWrite(fd, bytes);
    if (from < bytes.length) rest.push({ place, from });
  }
  const isFull = ({ place, from }: (typeof rest)[number]) =>
    !sockets[place]!.socket.write(from === 0 ? bytes : bytes.subarray(from));
  return rest.filter(isFull).map(({ place }) => place);
}

/**
 * What may be written to; -1 where the stream must do it. While the handle is the socket's, its descriptor is open:
 * `destroy` takes it away before it is closed.
 */
function descriptorOf({ socket, handle, fd }: DirectSocket): number {
  return handle !== undefined && handleOf(socket) === handle && socket.writableLength === 0 ? fd : -1;
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
