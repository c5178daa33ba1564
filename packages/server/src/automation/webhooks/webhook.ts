import { type Clock, sleep } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { redactUrl } from '@watchpost/base/source-url.ts';
import type { EventLevel, EventRecord, EventSink } from '../../catalog/types.ts';
import { toBody } from './payload.ts';
import { post } from './post.ts';
import type { WebhookSettings } from './section.ts';
import { signBody } from './signature.ts';

/** Events that wait for one receiver; past it the oldest are dropped. */
const maxWaiting = 1000;
const maxDelayMs = 600_000;
/** Failures in a row before an operator is told. */
const tellAfter = 3;
const jitter = 0.2;
const levels: readonly EventLevel[] = ['info', 'warning', 'error'];

/** What hooks share. */
export interface WebhookParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink;
  readonly userAgent: string;
  /** First delay after a failure; doubles up to ten minutes. Default 1 s. */
  readonly firstDelayMs?: number;
  /** Of one attempt. Default 10 s. */
  readonly timeoutMs?: number;
  readonly random?: () => number;
}

/** How a hook is doing. */
export interface WebhookState {
  /** Without credentials. */
  readonly url: string;
  readonly waiting: number;
  readonly delivered: number;
  readonly dropped: number;
}

/** One receiver of events: a bounded queue, delivered in order, each until it is taken or too old. */
export class Webhook {
  #settings: WebhookSettings;
  readonly #parts: WebhookParts;
  readonly #stop = new AbortController();
  readonly #waiting: EventRecord[] = [];
  #running: Promise<void> | undefined;
  #failures = 0;
  #delivered = 0;
  #dropped = 0;
  /** Drops that the receiver has not been told of. */
  #droppedSince = 0;

  constructor(settings: WebhookSettings, parts: WebhookParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  get state(): WebhookState {
    const waiting = this.#waiting.length;
    return { url: redactUrl(this.#settings.url), waiting, delivered: this.#delivered, dropped: this.#dropped };
  }

  /** What counts from the next attempt on; the address stays. */
  configure(settings: WebhookSettings): void {
    this.#settings = settings;
  }

  /** Queues the event if it is one of those asked for. */
  offer(event: EventRecord): void {
    if (!isWanted(event, this.#settings) || this.#stop.signal.aborted) return;
    this.#waiting.push(event);
    if (this.#waiting.length > maxWaiting) this.#drop(1);
    this.#wake();
  }

  /** Ends the attempt under way; what waits is given up. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #wake(): void {
    if (this.#running !== undefined || this.#waiting.length === 0 || this.#stop.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      this.#wake();
    });
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
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
      if (outcome.result !== 'failed') {
        if (isStillFirst) this.#waiting.shift();
        if (outcome.result === 'refused') this.#count(1);
        continue;
      }
      const delayMs = this.#failed(outcome.why, outcome.retryAfterMs);
      await sleep(clock, delayMs, signal).catch(() => {});
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
    const { url } = this.state;
    if (this.#failures >= tellAfter)
      this.#parts.events.emit({
        type: 'webhook.recovered',
        level: 'info',
        message: `The webhook ${url} takes events again; ${this.#droppedSince} were dropped`,
        data: { url, dropped: this.#droppedSince },
      });
    this.#failures = 0;
    this.#droppedSince = 0;
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
    if (old > 0) this.#drop(old);
  }

  #drop(count: number): void {
    this.#waiting.splice(0, count);
    this.#count(count);
  }

  #count(dropped: number): void {
    this.#dropped += dropped;
    this.#droppedSince += dropped;
  }
}

/** Events about hooks go to none, or a failing one would feed itself. */
function isWanted({ type, level }: EventRecord, { events, min_level }: WebhookSettings): boolean {
  if (type.startsWith('webhook.') || levels.indexOf(level) < levels.indexOf(min_level)) return false;
  return events.some((pattern) => (pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern));
}
