import type { EventSink, NewEvent } from '../catalog/types.ts';
import type { Stream } from '../hub/stream.ts';
import type { HubChange, StreamHub } from '../hub/stream-hub.ts';
import type { StreamState } from '../hub/types.ts';

/**
 * Tells of each stream that comes and goes, with the reason and for how long it was away. Returns the function that
 * stops it.
 */
export function tellStreamEvents(hub: StreamHub, events: EventSink): () => void {
  const offlineSince = new Map<string, number>();
  return hub.onChange((change: HubChange) => {
    if (change.type === 'clock_step') {
      events.emit({
        type: 'server.clock_step',
        level: 'warning',
        message: `The machine's clock was set by ${(change.stepMs / 1000).toFixed(1)} s`,
        data: { step_seconds: change.stepMs / 1000 },
      });
      return;
    }
    const { stream } = change;
    if (change.type === 'defined')
      events.emit({ ...about(stream), type: 'stream.added', level: 'info', message: 'Stream added' });
    if (change.type === 'removed') {
      offlineSince.delete(stream.id);
      events.emit({ ...about(stream), type: 'stream.removed', level: 'info', message: 'Stream removed' });
    }
    if (change.type === 'source') tellSource(stream, events);
    if (change.type === 'state') tellState(stream, { before: change.before, events, offlineSince });
  });
}

/** A stream with several sources comes from another one; the first source of all is no news. */
function tellSource(stream: Stream, events: EventSink): void {
  const { source, definition } = stream;
  if (source === undefined || definition.sources.length < 2 || (source.why === undefined && source.index === 0)) return;
  const place = `${source.index + 1} of ${definition.sources.length}`;
  events.emit({
    ...about(stream),
    type: 'stream.source',
    level: source.index === 0 ? 'info' : 'warning',
    message: `Now from source ${place}${source.why === undefined ? '' : `: ${source.why}`}`,
    data: { index: source.index, sources: definition.sources.length },
  });
}

interface StateChange {
  readonly before: StreamState;
  readonly events: EventSink;
  readonly offlineSince: Map<string, number>;
}

function tellState(stream: Stream, { before, events, offlineSince }: StateChange): void {
  const nowMs = stream.sinceMs;
  if (stream.state === 'online') {
    const sinceMs = offlineSince.get(stream.id);
    offlineSince.delete(stream.id);
    const awaySeconds = sinceMs === undefined ? undefined : Math.round((nowMs - sinceMs) / 100) / 10;
    const message = awaySeconds === undefined ? 'Online' : `Online again after ${awaySeconds} s`;
    events.emit({
      ...about(stream),
      type: 'stream.online',
      level: 'info',
      message,
      data: { gap_seconds: awaySeconds ?? null },
    });
  } else if (before === 'online' || (stream.state === 'offline' && !offlineSince.has(stream.id))) {
    if (stream.state === 'connecting') return;
    if (stream.awaitsPublisher && before !== 'online') {
      events.emit({ ...about(stream), type: 'stream.offline', level: 'info', message: 'Waits for a publisher' });
      return;
    }
    const lostAtMs = before === 'online' && stream.lastSampleMs > 0 ? Math.min(stream.lastSampleMs, nowMs) : nowMs;
    if (stream.state === 'offline') offlineSince.set(stream.id, lostAtMs);
    events.emit(lost(stream));
  }
}

function lost(stream: Stream): NewEvent {
  const { reason } = stream;
  // No fault of the camera: nothing asks for it any more.
  if (stream.state === 'on_demand' && reason === undefined)
    return { ...about(stream), type: 'stream.idle', level: 'info', message: 'Nobody watches it' };
  return {
    ...about(stream),
    type: stream.state === 'stopped' ? 'stream.stopped' : 'stream.offline',
    level: stream.state === 'offline' ? 'warning' : 'info',
    message: reason?.message ?? 'Stopped',
    ...(reason && { reason: reason.code }),
    data: { kind: reason?.kind ?? null },
  };
}

function about(stream: Stream): { streamId: string } {
  return { streamId: stream.id };
}
