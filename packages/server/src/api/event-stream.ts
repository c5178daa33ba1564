import type { Clock } from '@watchpost/base/clock.ts';
import type { EventLog, EventQuery } from '../catalog/event-log.ts';
import { coversStream } from '../catalog/identity/rights.ts';
import type { EventRecord } from '../catalog/types.ts';
import type { Grant } from '../hub/types.ts';
import type { EventSink } from './event-sinks.ts';

/** Proxies close what is silent for a minute. */
const heartbeatMs = 15_000;
/** Bytes that may wait for a client; one that is slower is cut, and resumes after the last event that it has. */
const maxWaitingBytes = 1024 * 1024;
const replayPage = 500;

/** What a client of events is served with. */
export interface EventStreamOptions {
  readonly sink: EventSink;
  readonly events: EventLog;
  readonly clock: Clock;
  /** The newest event that the client has: the later ones are sent first. Undefined: only what happens from now on. */
  readonly afterId: number | undefined;
  readonly filter: Omit<EventQuery, 'afterId' | 'beforeId' | 'limit'>;
  /** The stream of events ends with it. */
  readonly grant: Grant;
}

/** Events as they happen, until the client goes. Those that happen during the replay are sent after it, once. */
export async function serveEventStream(options: EventStreamOptions): Promise<void> {
  const { sink, events, filter } = options;
  const waiting: EventRecord[] = [];
  let lastId = options.afterId ?? 0;
  let live = false;
  const send = (event: EventRecord) => {
    if (event.id <= lastId || sink.isOver) return;
    lastId = event.id;
    if (!matches(event, filter)) return;
    sink.send(event);
    if (sink.waitingBytes > maxWaitingBytes) sink.cut();
  };
  const unsubscribe = events.subscribe((event) => {
    if (live) send(event);
    else waiting.push(event);
  });
  const stopHeartbeat = beat(options);
  const forgetGrant = options.grant.onEnd((reason) => {
    unsubscribe();
    sink.end(reason);
  });
  sink.onClose(() => {
    unsubscribe();
    stopHeartbeat();
    forgetGrant();
  });
  if (options.afterId !== undefined) await replay(options, options.afterId, send);
  for (const event of waiting) send(event);
  live = true;
}

/** Whether an event is one that was asked for. */
export function matches(event: EventRecord, filter: EventStreamOptions['filter']): boolean {
  const gravity = ['info', 'warning', 'error'];
  if (filter.onlyStreams !== undefined && !coversStream(filter.onlyStreams, event.streamId ?? '')) return false;
  if (filter.exceptArea !== undefined && event.type.startsWith(filter.exceptArea)) return false;
  if (filter.streamId !== undefined && event.streamId !== filter.streamId) return false;
  if (filter.level !== undefined && gravity.indexOf(event.level) < gravity.indexOf(filter.level)) return false;
  if (filter.types === undefined) return true;
  return filter.types.some((type) => (type.endsWith('.') ? event.type.startsWith(type) : event.type === type));
}

async function replay(
  { sink, events, filter }: EventStreamOptions,
  afterId: number,
  send: (event: EventRecord) => void,
): Promise<void> {
  for (let from = afterId; !sink.isOver; ) {
    const page = await events.query({ ...filter, afterId: from, limit: replayPage });
    for (const event of page) send(event);
    if (page.length < replayPage) return;
    from = page.at(-1)!.id;
    await sink.flushed();
  }
}

function beat({ sink, clock }: EventStreamOptions): () => void {
  let cancel = () => {};
  const next = () => {
    cancel = clock.after(heartbeatMs, () => {
      sink.beat();
      next();
    });
  };
  next();
  return () => cancel();
}
