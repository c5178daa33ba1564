import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { BackfillReader } from '@watchpost/tunnel/backfill/record.ts';
import type { AgentMessage } from '@watchpost/tunnel/messages/agent-message.ts';
import { writeChannelRequest } from '@watchpost/tunnel/messages/request.ts';
import { resetError } from '@watchpost/tunnel/reset-reason.ts';
import type { AgentRegistry } from '../../agents/agent-registry.ts';
import type { AgentSession } from '../../agents/agent-session.ts';
import { tunnelAddress } from '../../agents/tunnel-dial.ts';
import type { Database } from '../../catalog/database.ts';
import { GapStore } from '../../catalog/gap-store.ts';
import { SegmentStore } from '../../catalog/segment-store.ts';
import type { EventSink, Gap, GapReason, StorageBackend } from '../../catalog/types.ts';
import type { Stream } from '../../hub/stream.ts';
import { GapFiles } from './gap-files.ts';

type Offer = Extract<AgentMessage, { type: 'backfill_offer' }>;

/** How often gaps are looked for that an agent may fill. */
const lookMs = 5000;
const maxGapAgeMs = 7 * 24 * 3_600_000;
/** Shorter gaps are not worth a file. */
const minGapMs = 1000;
/** Tries for one gap; what an agent does not have now it will not have later. */
const maxTries = 3;
const maxRemembered = 10_000;
/** A fetch that brings nothing for so long is given up. */
const silentMs = 60_000;

/** Gaps in which pictures were wanted; `packet_loss` lies within a recording. */
const wantedGaps: ReadonlySet<GapReason> = new Set<GapReason>([
  'camera_offline',
  'camera_refused',
  'network_timeout',
  'camera_hung',
  'disk_full',
  'disk_error',
  'disk_missing',
  'overload',
  'shutdown',
  'crash',
  'unknown',
]);

/** What backfill works with. */
export interface BackfillOptions {
  readonly agents: AgentRegistry;
  readonly streams: { list(): readonly Pick<Stream, 'id' | 'definition'>[] };
  readonly database: Database;
  readonly backends: ReadonlyMap<string, StorageBackend>;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Asked for each gap: the configuration may change. */
  readonly segmentMs: () => number;
  readonly maxBytesPerSecond: () => number;
}

/** Asks agents for what recordings lack, and files it: the gap row becomes a recording (SPEC.md of the tunnel, BF-1 to BF-4). */
export class Backfill implements AsyncDisposable {
  readonly #options: BackfillOptions;
  readonly #gaps: GapStore;
  readonly #store: SegmentStore;
  readonly #tries = new Map<string, number>();
  readonly #busy = new Map<string, Promise<void>>();
  readonly #abort = new AbortController();
  readonly #forget: () => void;
  #cancelLook: () => void;

  constructor(options: BackfillOptions) {
    this.#options = options;
    this.#gaps = new GapStore(options.database);
    this.#store = new SegmentStore(options.database);
    this.#forget = options.agents.listen({ backfillOffer: (session, offer) => this.#onOffer(session, offer) });
    this.#cancelLook = options.clock.after(lookMs, () => void this.#look());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    this.#cancelLook();
    this.#forget();
    await Promise.allSettled(this.#busy.values());
  }

  /** Asks agents whose streams have gaps that are over and were not tried yet. */
  async #look(): Promise<void> {
    const { agents, streams, clock, logger } = this.#options;
    try {
      const asked = new Set<string>();
      for (const stream of streams.list())
        for (const place of this.#placesOf(stream)) {
          const session = agents.session(place.agentId);
          if (!session || asked.has(place.agentId) || this.#busy.has(place.agentId)) continue;
          if ((await this.#gapsOf(stream.id)).length === 0) continue;
          asked.add(place.agentId);
          session.say({ type: 'backfill_query' });
        }
    } catch (error) {
      logger.warn('Gaps that agents may fill could not be looked for', { error: String(error) });
    }
    if (!this.#abort.signal.aborted) this.#cancelLook = clock.after(lookMs, () => void this.#look());
  }

  #onOffer(session: AgentSession, offer: Offer): void {
    const { agentId } = session;
    if (this.#busy.has(agentId)) return;
    const offsetMs = this.#options.clock.wallMs() - offer.now_ms;
    const work = this.#fill(session, offer, offsetMs)
      .catch((error) => this.#options.logger.warn('Backfill failed', { agent: agentId, error: String(error) }))
      .finally(() => this.#busy.delete(agentId));
    this.#busy.set(agentId, work);
  }

  /** One gap after another; what live streams need goes first by the priority of the channel. */
  async #fill(session: AgentSession, offer: Offer, offsetMs: number): Promise<void> {
    for (const stream of this.#options.streams.list())
      for (const place of this.#placesOf(stream)) {
        if (place.agentId !== session.agentId) continue;
        const buffer = offer.buffers.find(
          ({ host, port, path }) => host === place.host && port === place.port && path === place.path,
        );
        if (!buffer) continue;
        for (const gap of await this.#gapsOf(stream.id)) {
          if (this.#abort.signal.aborted) return;
          const [startMs, endMs] = [gap.startMs - offsetMs, gap.endMs! - offsetMs];
          if (!buffer.ranges.some((range) => range.start_ms < endMs && range.end_ms > startMs)) continue;
          this.#remember(stream.id, gap);
          await this.#fetch(session, { streamId: stream.id, gap, buffer: buffer.buffer, offsetMs });
        }
      }
  }

  async #fetch(
    session: AgentSession,
    what: { streamId: string; gap: Gap; buffer: string; offsetMs: number },
  ): Promise<void> {
    const { streamId, gap, buffer, offsetMs } = what;
    const { backends, events, logger } = this.#options;
    const segmentMs = this.#options.segmentMs();
    await using files = await GapFiles.open({
      ...{ streamId, offsetMs, segmentMs, backends: [...backends.values()], store: this.#store, gaps: this.#gaps },
      startMs: gap.startMs,
      endMs: gap.endMs!,
      signal: this.#abort.signal,
    });
    const request = writeChannelRequest({
      kind: 'backfill',
      buffer,
      startMs: Math.max(0, Math.floor(gap.startMs - offsetMs)),
      endMs: Math.ceil(gap.endMs! - offsetMs),
      maxBytesPerSecond: this.#options.maxBytesPerSecond(),
    });
    let failure: unknown;
    try {
      await this.#receive(session, request, files);
    } catch (error) {
      failure = error;
    }
    // BF-2: what came whole is a recording; the rest is asked for again.
    await files.finish();
    if (files.recordedMs > 0) {
      const seconds = Math.round(files.recordedMs / 1000);
      const message = `${seconds} s that were missing came from the agent "${session.agentId}"`;
      events.emit({ type: 'recording.backfilled', level: 'info', streamId, message });
    }
    if (failure) logger.warn('Backfill broke off', { streamId, error: toWatchpostError(failure).message });
  }

  #receive(session: AgentSession, request: Uint8Array, files: GapFiles): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      let work = Promise.resolve();
      let cancelTimer = () => {};
      const settle = (error?: unknown) => {
        cancelTimer();
        this.#abort.signal.removeEventListener('abort', onAbort);
        if (error) reject(error);
        else work.then(resolve, reject);
      };
      const watch = () => {
        cancelTimer();
        cancelTimer = clock.after(silentMs, () => channel.reset('timeout'));
      };
      const reader = new BackfillReader((record) => files.push(record));
      const channel = session.tunnel.open(request, 'bulk', {
        data: (bytes) => {
          watch();
          try {
            reader.receive(bytes);
          } catch (error) {
            settle(error);
            channel.reset('protocol');
            return;
          }
          // The disk sets the pace: credit comes back once the bytes are written.
          work = work.then(() => files.write()).then(() => channel.consume(bytes.length));
          work.catch((error) => {
            settle(error);
            channel.reset('internal');
          });
        },
        end: () => {
          channel.end();
          settle();
        },
        drain: () => {},
        closed: (reason) => settle(reason === 'clean' ? undefined : resetError(reason)),
      });
      const onAbort = () => channel.reset('shutdown');
      this.#abort.signal.addEventListener('abort', onAbort, { once: true });
      watch();
    });
  }

  /** Gaps of a stream that are over, worth it, and not tried too often. */
  async #gapsOf(streamId: string): Promise<readonly Gap[]> {
    const nowMs = this.#options.clock.wallMs();
    const gaps = await this.#gaps.inRange(streamId, nowMs - maxGapAgeMs, nowMs);
    return gaps.filter(
      (gap) =>
        gap.endMs !== undefined &&
        gap.endMs - gap.startMs >= minGapMs &&
        wantedGaps.has(gap.reason) &&
        (this.#tries.get(keyOf(streamId, gap)) ?? 0) < maxTries,
    );
  }

  #remember(streamId: string, gap: Gap): void {
    const key = keyOf(streamId, gap);
    if (this.#tries.size >= maxRemembered) this.#tries.clear();
    this.#tries.set(key, (this.#tries.get(key) ?? 0) + 1);
  }

  /** Where the sources of a stream are, as far as they are behind agents. */
  *#placesOf(
    stream: Pick<Stream, 'definition'>,
  ): Iterable<{ agentId: string; host: string; port: number; path: string }> {
    const { agents } = this.#options;
    for (const { scheme, host, port = 554, path } of stream.definition.sources) {
      if (!scheme.endsWith('+tunnel')) continue;
      try {
        yield { ...tunnelAddress(agents, host, port), port, path };
      } catch {
        // Its agent is away.
      }
    }
  }
}

function keyOf(streamId: string, { startMs, endMs }: Gap): string {
  return `${streamId} ${startMs} ${endMs}`;
}
