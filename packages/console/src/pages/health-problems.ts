import type { ServerState, Storage, Stream } from '../api/types.ts';

/** Something that somebody should look at. */
export interface HealthProblem {
  readonly id: 'camera' | 'recording' | 'disk' | 'short' | 'output' | 'events';
  readonly level: 'warning' | 'error';
  /** What it concerns, as people call it. */
  readonly name: string;
  readonly href: string | null;
  /** More about it, as the server says it. */
  readonly detail: string | null;
}

/** What the page knows; null where it may not be asked for, or is not answered yet. */
export interface HealthFacts {
  readonly streams: readonly Stream[];
  readonly storage: Storage | null;
  readonly server: ServerState | null;
}

/** What is wrong, the gravest first. */
export function healthProblems({ streams, storage, server }: HealthFacts): HealthProblem[] {
  const found: HealthProblem[] = [];
  for (const stream of streams) {
    const place = { name: stream.title || stream.stream_id, href: streamHref(stream) };
    if (stream.state === 'offline' && !stream.awaits_publisher)
      found.push({ id: 'camera', level: 'error', ...place, detail: stream.reason?.message ?? null });
    else if (stream.recording.state === 'error')
      found.push({ id: 'recording', level: 'error', ...place, detail: stream.recording.detail });
  }
  for (const backend of storage?.backends ?? []) {
    const place = { name: backend.name, href: '/storage', detail: backend.message };
    if (backend.state !== 'ok')
      found.push({ id: 'disk', level: backend.state === 'low' ? 'warning' : 'error', ...place });
    else if (backend.forecast_days !== null && backend.forecast_days < backend.retention_days)
      found.push({ id: 'short', level: 'warning', ...place, detail: backend.forecast });
  }
  for (const output of server?.outputs ?? [])
    if (!output.listening) found.push({ id: 'output', level: 'error', name: output.name, href: null, detail: null });
  const dropped = (server?.dropped_events ?? 0) + (server?.dropped_audit_rows ?? 0);
  if (dropped > 0) found.push({ id: 'events', level: 'warning', name: String(dropped), href: null, detail: null });
  return found.sort((a, b) => Number(a.level === 'warning') - Number(b.level === 'warning'));
}

/** The page of a camera; that of a second quality is the camera's. */
export function streamHref({ stream_id: id }: Pick<Stream, 'stream_id'>): string {
  return `/streams/${id.replace(/\.sub$/, '')}`;
}
