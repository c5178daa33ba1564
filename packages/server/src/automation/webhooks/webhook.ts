import { type Clock, sleep } from '@watchpost/base/clock.ts';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { EventLog, EventQuery } from '../../catalog/event-log.ts';
import type { EventLevel, EventRecord } from '../../catalog/types.ts';
import type { WebhookStore } from '../../catalog/webhook-store.ts';
import { toBody } from './payload.ts';
import { maxRetryAfterMs, post } from './post.ts';
import type { WebhookSettings } from './section.ts';
import { signBody } from './signature.ts';

/** Events that wait for one receiver; past it the oldest are dropped. */
const maxWaiting = 1000;
const maxDelayMs = 600_000;
/** Failures in a row before an operator is told. */
const tellAfter = 3;
const jitter = 0.2;
/** Older events are read so many at a time. */
const pageSize = 500;
/** What was delivered within so long before a crash is delivered again. */
const saveDelayMs = 100;
const levels: readonly EventLevel[] = ['info', 'warning', 'error'];

/** What hooks share. */
export interface WebhookParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: Pick<EventLog, 'emit' | 'onSettled' | 'query' | 'lastId'>;
  readonly store: Pick<WebhookStore, 'load' | 'save' | 'keepOnly'>;
  readonly userAgent: string;
  /** First delay after a failure; doubles up to ten minutes. Default 1 s. */
  readonly firstDelayMs?: number;
  /** Of one attempt. Default 10 s. */
  readonly timeoutMs?: number;
  readonly random?: () => number;
}

/** How a hook is doing. */
export interface WebhookState {
  /** As the configuration names it, or its host. */
  readonly name: string;
  /** Without what may be secret: its login, path and query. */
  readonly url: string;
  readonly waiting: number;
  readonly delivered: number;
  /** Lost because too many waited, because they were too old, or because the receiver will never take them. */
  readonly dropped: number;
}

/**
 * One receiver of events: a bounded queue, delivered in order, each until it is taken or too old. What waits is in the log of
 * events; how far the receiver has come is kept beside it, so that another process goes on there.
 */
export class Webhook {
  #settings: WebhookSettings;
  readonly #parts: WebhookParts;
  readonly #stop = new AbortController();
  readonly #waiting: EventRecord[] = [];
  readonly #restored: Promise<void>;
  /** What comes while older events are read; undefined afterwards. */
  #early: EventRecord[] | undefined = [];
  /** Of the newest event that was looked at. */
  #offeredId: number;
  /** When the next attempt is due, ms since 1970 UTC. */
  #nextMs = 0;
  #maxPauseMs = maxRetryAfterMs;
  #cancelSave: (() => void) | undefined;
  #saved: Promise<void> = Promise.resolve();
  #running: Promise<void> | undefined;
  #failures = 0;
  #delivered = 0;
  #dropped = 0;
  /** Drops that the receiver has not been told of. */
  #droppedSince = 0;
  /** An operator was told that events are lost, and nothing was delivered since. */
  #isDropping = false;

  constructor(settings: WebhookSettings, parts: WebhookParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#offeredId = parts.events.lastId;
    this.#restored = this.#restore().catch((thrown) => this.#cannotKeep(thrown));
  }

  get state(): WebhookState {
    const { name = new URL(this.#settings.url).host, url } = this.#settings;
    const waiting = this.#waiting.length;
    return { name, url: redactHook(url), waiting, delivered: this.#delivered, dropped: this.#dropped };
  }

  /** What counts from the next attempt on; the address stays. */
  configure(settings: WebhookSettings): void {
    this.#settings = settings;
  }

  /** Queues the event if it is one of those asked for. */
  offer(event: EventRecord): void {
    if (this.#stop.signal.aborted) return;
    if (this.#early === undefined) this.#take(event);
    else if (isWanted(event, this.#settings) && this.#early.push(event) > maxWaiting) {
      this.#early.shift();
      this.#count(1);
    }
    this.#wake();
  }

  /** Ends the attempt under way; what waits goes on when a hook with this address is made again. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#restored;
    await this.#running;
    this.#cancelSave?.();
    await this.#save();
  }

  /** Goes on where the last process ended; an address that is new hears of what happens from now on. */
  async #restore(): Promise<void> {
    const { store, events } = this.#parts;
    try {
      const before = await store.load(this.#settings.url);
      if (before === undefined) return this.#saveSoon();
      this.#failures = before.failures;
      this.#nextMs = before.nextMs;
      this.#droppedSince = before.dropped;
      this.#offeredId = before.settledId;
      for (let page = pageSize; page === pageSize && !this.#stop.signal.aborted; ) {
        const older = await events.query({ ...queryOf(this.#settings), afterId: this.#offeredId, limit: pageSize });
        for (const event of older) this.#take(event);
        page = older.length;
      }
    } finally {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const event of early) this.#take(event);
      this.#wake();
    }
  }

  #take(event: EventRecord): void {
    if (event.id <= this.#offeredId) return;
    this.#offeredId = event.id;
    if (!isWanted(event, this.#settings)) return;
    this.#waiting.push(event);
    if (this.#waiting.length > maxWaiting) this.#drop(1, 'more wait than are kept');
  }

  /** One write for all that happens meanwhile. */
  #saveSoon(): void {
    this.#cancelSave ??= this.#parts.clock.after(saveDelayMs, () => {
      this.#cancelSave = undefined;
      void this.#save();
    });
  }

  #save(): Promise<void> {
    const { store } = this.#parts;
    this.#saved = this.#saved
      .then(() => {
        const first = this.#waiting[0];
        const settledId = first === undefined ? this.#offeredId : first.id - 1;
        const progress = { settledId, failures: this.#failures, nextMs: this.#nextMs, dropped: this.#droppedSince };
        return store.save(this.#settings.url, progress);
      })
      .catch((thrown) => this.#cannotKeep(thrown));
    return this.#saved;
  }

  #cannotKeep(thrown: unknown): void {
    const { message } = toWatchpostError(thrown);
    this.#parts.logger.warn('What a webhook has yet to deliver cannot be kept', {
      url: this.state.url,
      error: message,
    });
  }

  #wake(): void {
    const isBusy = this.#running !== undefined || this.#early !== undefined;
    if (isBusy || this.#waiting.length === 0 || this.#stop.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      this.#wake();
    });
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const waitMs = this.#nextMs - clock.wallMs();
      // The clock may have been set back.
      if (waitMs > 0) await sleep(clock, Math.min(waitMs, this.#maxPauseMs), signal).catch(() => {});
      if (signal.aborted) return;
      this.#nextMs = 0;
      this.#dropOld(clock.wallMs());
      const event = this.#waiting[0];
      if (event === undefined) return;
      const outcome = await this.#attempt(event);
      if (signal.aborted) return;
      // While it was under way the queue may have overflowed.
      const isStillFirst = this.#waiting[0] === event;
      if (outcome.result === 'delivered') this.#succeeded();
      else if (outcome.result === 'refused')
        logger.warn('A webhook refused an event', { url: this.state.url, event: event.id, why: outcome.why });
      if (outcome.result === 'failed') {
        this.#maxPauseMs = this.#failed(outcome.why, outcome.retryAfterMs);
        this.#nextMs = clock.wallMs() + this.#maxPauseMs;
      } else if (isStillFirst) this.#waiting.shift();
      if (outcome.result === 'refused') this.#count(1);
      this.#saveSoon();
    }
  }

  #attempt(event: EventRecord) {
    const { clock, userAgent, timeoutMs = 10_000 } = this.#parts;
    const { url, secret } = this.#settings;
    const body = toBody(event);
    const timestamp = String(Math.floor(clock.wallMs() / 1000));
    const headers = {
      'content-type': 'application/json',
      'user-agent': userAgent,
      'x-watchpost-event': event.type,
      'x-watchpost-delivery': String(event.id),
      'x-watchpost-timestamp': timestamp,
      ...(this.#droppedSince > 0 && { 'x-watchpost-dropped': String(this.#droppedSince) }),
      ...(secret !== undefined && { 'x-watchpost-signature': signBody(secret, timestamp, body) }),
    };
    return post({ url, headers, body, timeoutMs, signal: this.#stop.signal });
  }

  #succeeded(): void {
    this.#delivered++;
    if (this.#failures >= tellAfter) {
      const { events, logger } = this.#parts;
      const data = { url: this.state.url, dropped: this.#droppedSince };
      logger.info('A webhook takes events again', data);
      const message = `The webhook ${data.url} takes events again; ${data.dropped} were dropped`;
      events.emit({ type: 'webhook.recovered', level: 'info', message, data });
    }
    this.#failures = 0;
    this.#droppedSince = 0;
    this.#isDropping = false;
  }

  /** Returns how long to wait. */
  #failed(why: string, retryAfterMs: number | undefined): number {
    const { events, logger, firstDelayMs = 1000, random = Math.random } = this.#parts;
    const { url, waiting } = this.state;
    this.#failures++;
    if (this.#failures === tellAfter) {
      logger.warn('A webhook fails; events for it are kept and tried again', { url, why, waiting });
      events.emit({
        type: 'webhook.failing',
        level: 'warning',
        message: `The webhook ${url} fails: ${why}`,
        data: { url, why, waiting },
      });
    }
    const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(this.#failures - 1, 20));
    return retryAfterMs ?? delayMs * (1 - jitter + 2 * jitter * random());
  }

  #dropOld(nowMs: number): void {
    const oldestMs = nowMs - this.#settings.give_up * 1000;
    const kept = this.#waiting.findIndex(({ atMs }) => atMs >= oldestMs);
    const old = kept < 0 ? this.#waiting.length : kept;
    if (old > 0) this.#drop(old, 'they are too old');
  }

  #drop(count: number, why: string): void {
    this.#waiting.splice(0, count);
    if (!this.#isDropping) this.#tellOfDropping(why);
    this.#isDropping = true;
    this.#count(count);
    this.#saveSoon();
  }

  #tellOfDropping(why: string): void {
    const { events, logger } = this.#parts;
    const { url } = this.state;
    logger.warn('A webhook loses its oldest events', { url, why });
    events.emit({
      type: 'webhook.dropping',
      level: 'warning',
      message: `The webhook ${url} loses its oldest events: ${why}`,
      data: { url, why },
    });
  }

  #count(dropped: number): void {
    this.#dropped += dropped;
    this.#droppedSince += dropped;
  }
}

/** Chat services have their secrets in the path (https://api.slack.com/messaging/webhooks: "contains a secret"). */
function redactHook(text: string): string {
  const { origin, pathname, search } = new URL(text);
  return pathname === '/' && search === '' ? origin : `${origin}/***`;
}

/** Events about hooks go to none, or a failing one would feed itself. */
function isWanted({ type, level }: EventRecord, { events, min_level }: WebhookSettings): boolean {
  if (type.startsWith('webhook.') || levels.indexOf(level) < levels.indexOf(min_level)) return false;
  return events.some((pattern) => (pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern));
}

/** Which older events are read; `isWanted` decides. */
function queryOf({ events, min_level: level }: WebhookSettings): Pick<EventQuery, 'types' | 'level'> {
  if (events.includes('*')) return { level };
  return { level, types: events.map((pattern) => (pattern.endsWith('*') ? pattern.slice(0, -1) : pattern)) };
}
