import type { Logger } from '@watchpost/base/logger.ts';
import type { GapStore } from '../catalog/gap-store.ts';
import type { EndedGap, EventSink, GapReason } from '../catalog/types.ts';

interface OpenGap {
  readonly startMs: number;
  /** Since when nothing is recorded: where the first of the rows begins that touch this one. */
  readonly sinceMs: number;
  readonly reason: GapReason;
  readonly detail: string | undefined;
  /** Of its row; 0 until that is written. */
  id: number;
}

/** Why nothing is recorded. */
export interface Explanation {
  readonly reason: GapReason;
  readonly detail?: string | undefined;
}

/** Which gaps last, and their rows, written one after the other behind the callers' backs (G1, G2). */
export class GapLedger {
  readonly #store: GapStore;
  readonly #events: EventSink;
  readonly #logger: Logger;
  readonly #open = new Map<string, OpenGap>();
  /** Of each stream the hole that was inserted last: one that lasts may go on where it ends. */
  readonly #last = new Map<string, EndedGap>();
  #written: Promise<void> = Promise.resolve();

  constructor(options: { store: GapStore; events: EventSink; logger: Logger }) {
    this.#store = options.store;
    this.#events = options.events;
    this.#logger = options.logger;
  }

  /** Takes over the gaps that lasted when the process before ended. */
  async load(): Promise<void> {
    for (const { streamId, startMs, reason, detail, id } of await this.#store.open()) {
      this.#open.set(streamId, { startMs, sinceMs: startMs, reason, detail, id });
    }
  }

  /** The gap that lasts. */
  current(
    streamId: string,
  ): { readonly startMs: number; readonly reason: GapReason; readonly detail?: string | undefined } | undefined {
    return this.#open.get(streamId);
  }

  /** Streams with a gap that lasts. */
  streams(): string[] {
    return [...this.#open.keys()];
  }

  /** Nothing is recorded, for this reason: begins a gap at `startMs`; where one lasts for another reason, changes it at `nowMs`. */
  explain(streamId: string, why: Explanation, at: { readonly startMs: number; readonly nowMs: number }): void {
    const open = this.#open.get(streamId);
    if (open?.reason === why.reason) return;
    if (open !== undefined) this.#end(open, at.nowMs);
    const startMs = open === undefined ? at.startMs : Math.max(open.startMs, at.nowMs);
    this.#begin(streamId, { startMs, sinceMs: open?.sinceMs ?? startMs }, why);
  }

  /**
   * Recording goes on at `atMs`: ends the gap. Returns it, if there was one. What was held back for a disk may begin before
   * the reason last changed: rows of the reasons before are not true from there on (G2).
   */
  end(streamId: string, atMs: number): { readonly startMs: number; readonly reason: GapReason } | undefined {
    const open = this.#open.get(streamId);
    if (open === undefined) return undefined;
    this.#open.delete(streamId);
    this.#end(open, atMs);
    if (atMs < open.startMs) this.fill(streamId, Math.max(atMs, open.sinceMs), open.startMs);
    return open;
  }

  /** Ends the gap, if there is one; resolves once that is written. */
  async close(streamId: string, atMs: number): Promise<void> {
    this.end(streamId, Math.round(atMs));
    await this.flush();
  }

  /** A hole that is over already: what of it nothing else accounts for. */
  insert(gap: EndedGap): void {
    const open = this.#open.get(gap.streamId);
    if (open !== undefined && open.startMs <= gap.startMs) return;
    this.#queue(() => this.#store.insertFree(gap));
    this.#queue(() => this.#store.join(gap.streamId, gap.endMs, gap.reason));
    this.#last.set(gap.streamId, gap);
    if (open?.startMs === gap.endMs && open.reason === gap.reason) return;
    this.#tell(gap.streamId, gap, { start_ms: gap.startMs, end_ms: gap.endMs });
  }

  /** [startMs, endMs) is recorded now, whatever was said of it. */
  fill(streamId: string, startMs: number, endMs: number): void {
    this.#queue(() => this.#store.fill(streamId, Math.round(startMs), Math.round(endMs)));
  }

  /** A hole within recorded video (G5). */
  mark(gap: EndedGap): void {
    this.#queue(async () => {
      await this.#store.insert(gap);
    });
    this.#tell(gap.streamId, gap, { start_ms: gap.startMs, end_ms: gap.endMs });
  }

  /** Resolves once all rows are written. */
  flush(): Promise<void> {
    return this.#written;
  }

  #begin(streamId: string, at: Pick<OpenGap, 'startMs' | 'sinceMs'>, why: Explanation): void {
    const { startMs } = at;
    const open: OpenGap = { ...at, reason: why.reason, detail: why.detail, id: 0 };
    this.#open.set(streamId, open);
    this.#queue(async () => {
      open.id = await this.#store.insert({
        streamId,
        startMs,
        reason: why.reason,
        ...(why.detail === undefined ? {} : { detail: why.detail }),
      });
    });
    this.#queue(() => this.#store.join(streamId, startMs, why.reason));
    const last = this.#last.get(streamId);
    this.#last.delete(streamId);
    if (last?.endMs === startMs && last.reason === why.reason) return;
    this.#tell(streamId, why, { start_ms: startMs });
  }

  #end(open: OpenGap, endMs: number): void {
    this.#queue(() => this.#store.end(open.id, Math.max(endMs, open.startMs)));
  }

  #tell(streamId: string, why: Explanation, data: { readonly start_ms: number; readonly end_ms?: number }): void {
    // What was never to be recorded is no gap: the timeline explains it, and nobody is woken.
    if (why.reason === 'not_scheduled' || why.reason === 'no_event') return;
    const quiet = why.reason === 'recording_stopped' || why.reason === 'shutdown';
    const lasted = data.end_ms === undefined ? undefined : Math.round((data.end_ms - data.start_ms) / 100) / 10;
    const what = lasted === undefined ? 'is not recorded' : `was not recorded for ${lasted} s`;
    this.#events.emit({
      type: 'recording.gap',
      level: quiet ? 'info' : 'warning',
      streamId,
      reason: why.reason,
      message: `"${streamId}" ${what}: ${why.detail ?? why.reason.replaceAll('_', ' ')}`,
      data,
    });
  }

  #queue(write: () => Promise<void>): void {
    this.#written = this.#written.then(write).catch((error: unknown) => {
      this.#logger.error('a gap could not be written to the catalogue', { error: String(error) });
    });
  }
}
