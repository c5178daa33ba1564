import { apiUrl } from '../api/client.ts';
import type { Stream } from '../api/types.ts';

/** A picture as JPEG: its address, and the name of the file that it becomes. */
export interface SnapshotLink {
  readonly href: string;
  readonly name: string;
}

/**
 * The picture that is looked at: the recorded one, or, where `positionMs` is null, what the camera shows now. Null while
 * the camera shows none: a download that is refused says nothing to whoever asked for it.
 */
export function snapshotOf(
  stream: Pick<Stream, 'stream_id' | 'state'>,
  positionMs: number | null,
  nowMs: number,
): SnapshotLink | null {
  const { stream_id: id, state } = stream;
  const time = Math.round(positionMs ?? nowMs);
  const name = `${id}-${new Date(time).toISOString().replace(/[-:]|\.\d+/g, '')}.jpg`;
  if (positionMs !== null) return { href: apiUrl(`/recordings/${id}/snapshot`, { time }), name };
  if (state === 'offline' || state === 'stopped') return null;
  return { href: apiUrl(`/streams/${id}/snapshot`, { mode: 'decode' }), name };
}
