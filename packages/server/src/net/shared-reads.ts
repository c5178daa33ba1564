import { Socket } from 'node:net';

/**
 * All sockets read into this one: libuv reads and calls back before it reads the next socket. Node has a buffer of
 * 64 KB made for each 'data' event, and that much to collect: with a hundred encoders three quarters of the work.
 */
const readBuffer = new Uint8Array(256 * 1024);

/** The part of Node that a socket reads and writes with; not documented, so that it may be missing. */
interface HandleOwner {
  _handle?: object | null;
}

/**
 * Takes over an accepted connection so that its bytes go to `onRead`, in a buffer that is overwritten after the call, as
 * `onread` of node:net does where one dials: false from it stops reading until `resume`. A plain server has
 * `pauseOnConnect`. Under TLS, and where this Node cannot do it, 'data' events do the same, but for false. Use the socket
 * that comes back, and forget the other one.
 */
export function readShared(
  accepted: Socket,
  options: { readonly allowHalfOpen: boolean; readonly onRead: (bytes: number, buffer: Uint8Array) => unknown },
): Socket {
  const { allowHalfOpen, onRead } = options;
  const owner = accepted as HandleOwner;
  const handle = owner._handle;
  const canTakeOver = handle !== null && typeof handle === 'object' && 'useUserBuffer' in handle;
  if ('encrypted' in accepted || !canTakeOver || accepted.readableLength > 0) {
    accepted.on('data', (chunk: Buffer) => onRead(chunk.length, chunk));
    accepted.resume();
    return accepted;
  }
  owner._handle = null;
  const callback = (bytes: number, buffer: Uint8Array) => onRead(bytes, buffer) !== false;
  const taken: object = { handle, allowHalfOpen, onread: { buffer: readBuffer, callback } };
  const socket = new Socket(taken);
  // The server counts the one that it made.
  socket.once('close', () => accepted.destroy());
  socket.read(0);
  return socket;
}
