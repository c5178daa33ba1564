import { dialError } from '../../net/dial.ts';
import { PacedReads } from '../../net/paced-reads.ts';
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
  const pace = paceOf(context, handler, () => void socket.resume());
  const socket = await openSocket(target, context, (bytes, buffer) => {
    handler.onRead(bytes, buffer);
    return pace === undefined || pace.goesOn(bytes);
  });
  let cause: Error | undefined;
  socket.on('error', (error) => {
    cause = dialError(error, target);
  });
  socket.on('close', () => {
    pace?.stop();
    handler.onClose(cause);
  });
  socket.on('end', () => socket.destroy());
  return {
    localAddress: socket.localAddress,
    remoteAddress: socket.remoteAddress,
    get unsentBytes() {
      return socket.writableLength;
    },
    write: (bytes) => void (socket.destroyed || socket.write(bytes)),
    stopResting: () => pace?.stop(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => endSocket(socket, context),
    destroy: () => void socket.destroy(),
  };
}

function paceOf(
  { clock, rounds }: ConnectionContext,
  handler: CameraConnectionHandler,
  resume: () => void,
): PacedReads | undefined {
  const patienceMs = handler.patienceMs?.bind(handler);
  return rounds && patienceMs && new PacedReads({ clock, rounds, patienceMs, resume });
}
