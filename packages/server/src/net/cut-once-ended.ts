import type { Socket } from 'node:net';

/** How long the other side may take for what was written before the end. */
export const lingerMs = 5000;

/** Once we have said our last word the other side has 5 s to hang up: Node lets a half-open connection stay for good. */
export function cutOnceEnded(socket: Socket): void {
  socket.once('finish', () => {
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once('close', () => clearTimeout(timer));
  });
}
