import { dialError } from '../../net/dial.ts';
import {
  type CameraConnection,
  type CameraConnectionHandler,
  type CameraTarget,
  type ConnectionContext,
  endSocket,
  openSocket,
} from './camera-socket.ts';
import { openHttpTunnel } from './http-tunnel.ts';

/** Connects with a camera. Rejects with `unavailable`, `timeout`, or `forbidden` where its certificate is not trusted. */
export async function connectCamera(
  target: CameraTarget,
  context: ConnectionContext,
  handler: CameraConnectionHandler,
): Promise<CameraConnection> {
  if (target.httpTunnel) return openHttpTunnel(target, context, handler);
  const socket = await openSocket(target, context, (bytes, buffer) => handler.onRead(bytes, buffer));
  let cause: Error | undefined;
  socket.on('error', (error) => {
    cause = dialError(error, target);
  });
  socket.on('close', () => handler.onClose(cause));
  socket.on('end', () => socket.destroy());
  return {
    localAddress: socket.localAddress,
    remoteAddress: socket.remoteAddress,
    get unsentBytes() {
      return socket.writableLength;
    },
    write: (bytes) => void (socket.destroyed || socket.write(bytes)),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => endSocket(socket, context),
    destroy: () => void socket.destroy(),
  };
}
