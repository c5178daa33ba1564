import type { Clock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { CacheBudget } from './cache-budget.ts';
import { Company, type Follower } from './company.ts';
import { LogReader } from './log-reader.ts';
import type { Reader, ReaderCount, ReaderOptions } from './types.ts';

const firstCapacity = 64;
/** More at a time is what a reader gets that begins or fell behind: nobody else asks for just that. */
const maxSharedItems = 32;

const nothing: readonly never[] = [];

/** What the log must know of an item besides the item. */
export interface LogEntry {
  /** A reader can start here. */
  readonly randomAccess: boolean;
  readonly bytes: number;
  /** Monotonic ms. */
  readonly atMs: number;
}

/** Keeps items that nobody waits for in a form that costs less than objects. */
export interface ItemKeeper<T> {
  /** Keeps one more; false for one that costs less as it is. */
  add(item: T): boolean;
  /** `count` items behind the oldest `skip`, made anew; fewer where it keeps no more. They are still kept. */
  read(skip: number, count: number): readonly T[];
  /** Forgets the oldest ones. */
  drop(count: number): void;
}

/** How a log is made. */
export interface SharedLogOptions<T> {
  readonly clock: Clock;
  /** Past so many bytes within one group there is no cache until the next random access point. */
  readonly cacheLimitBytes: number;
  readonly budget?: CacheBudget;
  /** Where items are that came while no reader waited for them. */
  readonly keeper?: ItemKeeper<T>;
  /** Called when a reader was opened or closed. */
  readonly readersChanged?: () => void;
}

/**
 * One writer, many readers, each with a place of its own: an item is kept once, and appending it costs nothing for each
 * reader. The log keeps the items since the last random access point (the GOP cache), and what its readers have yet to
 * pull within their limits. A reader past its limits jumps to the last random access point: whole groups are lost, never
 * single items.
 */
export class SharedLog<T> {
  /** Undefined where an item is with the keeper. */
  #items: (T | undefined)[] = new Array(firstCapacity).fill(undefined);
  #atMs: number[] = new Array(firstCapacity).fill(0);
  /** Bytes appended before the item, since the log began. */
  #bytesBefore: number[] = new Array(firstCapacity).fill(0);
  #randomAccess: boolean[] = new Array(firstCapacity).fill(false);
  #mask = firstCapacity - 1;
  /** Absolute index of the oldest item kept, and of the next one to be written. */
  #first = 0;
  #next = 0;
  #lastKey = -1;
  #bytesWritten = 0;
  /** What the last reader took, all from one index to the end. */
  #taken: readonly T[] | undefined;
  #takenFrom = 0;
  #readers: LogReader<T>[] = [];
  #waiting: LogReader<T>[] = [];
  /** Readers that are told of each item. */
  #awaiting = 0;
  readonly #company = new Company<T>();
  /** Those who go in step got all before this index. */
  #told = 0;
  #trimAtBytes: number;
  readonly #cacheLimitBytes: number;
  readonly #clock: Clock;
  readonly #readersChanged: (() => void) | undefined;
  readonly #budget: CacheBudget | undefined;
  readonly #keeper: ItemKeeper<T> | undefined;

  constructor(options: SharedLogOptions<T>) {
    this.#readersChanged = options.readersChanged;
    this.#clock = options.clock;
    this.#cacheLimitBytes = options.cacheLimitBytes;
    this.#trimAtBytes = options.cacheLimitBytes;
    this.#budget = options.budget;
    this.#keeper = options.keeper;
    this.#budget?.add(this);
  }

  /** How many readers are open. */
  get readerCount(): number {
    return this.#readers.length;
  }

  /** True while one of the readers is told of each item; the others come by when they like. */
  get isAwaited(): boolean {
    return this.#awaiting > 0;
  }

  /** True while every reader can tell what it holds. */
  get knowsHolds(): boolean {
    return this.#readers.every((reader) => reader.holds !== undefined);
  }

  /** What readers hold, and all items kept from before the last random access point; undefined where a reader cannot tell. */
  held(): readonly T[] | undefined {
    const held: T[] = [];
    for (const reader of this.#readers) {
      const own = reader.holds?.();
      if (own === undefined) return undefined;
      held.push(...own);
    }
    let kept = 0;
    for (let index = this.#first; index < this.#lastKey; index++) {
      const item = this.#items[index & this.#mask];
      if (item !== undefined) held.push(item);
      else kept++;
    }
    // All of them: units of two tracks end in another order than they began in.
    return kept > 0 ? held.concat(this.#keeper!.read(0, kept)) : held;
  }

  /** Readers that are open, for statistics. */
  get readers(): readonly ReaderCount[] {
    return this.#readers.flatMap((reader): readonly ReaderCount[] => reader.readsFor ?? [reader]);
  }

  /** Bytes kept. */
  get bytes(): number {
    return this.#first === this.#next ? 0 : this.#bytesWritten - this.#bytesBefore[this.#first & this.#mask]!;
  }

  /** When the oldest item was written, monotonic ms; Infinity while the log is empty. */
  get oldestMs(): number {
    return this.#first === this.#next ? Number.POSITIVE_INFINITY : this.#atMs[this.#first & this.#mask]!;
  }

  /** True while a new reader gets a picture at once. */
  get hasCache(): boolean {
    return this.#lastKey >= this.#first;
  }

  /** Adds an item; readers hear of it at the next `flush`. */
  append(item: T, entry: LogEntry): void {
    if (entry.randomAccess) {
      this.#lastKey = this.#next;
      this.#trim(entry.atMs);
    }
    if (this.#next - this.#first > this.#mask) this.#grow();
    const slot = this.#next & this.#mask;
    const isKept = this.#awaiting === 0 && this.#keeper?.add(item) === true;
    if (!isKept) this.#items[slot] = item;
    this.#atMs[slot] = entry.atMs;
    this.#bytesBefore[slot] = this.#bytesWritten;
    this.#randomAccess[slot] = entry.randomAccess;
    this.#next++;
    this.#taken = undefined;
    this.#bytesWritten += entry.bytes;
    this.#budget?.grew(entry.bytes);
    if (this.bytes > this.#trimAtBytes) this.#overflow(entry.atMs);
  }

  /** Wakes the readers that wait; once for each batch of input. */
  flush(): void {
    const from = this.#told;
    this.#told = this.#next;
    if (this.#company.size > 0 && from < this.#next) this.#tell(from);
    if (this.#waiting.length === 0) return;
    const woken = this.#waiting;
    this.#waiting = [];
    for (let i = 0; i < woken.length; i++) woken[i]!.wake();
  }

  /** Opens a reader. */
  open(options: ReaderOptions<T>): Reader<T> {
    if (options.onReady !== undefined && this.#awaiting++ === 0) this.#takeKept();
    const fromCache = options.start === 'gop' && this.hasCache;
    const reader = new LogReader<T>(this, options, {
      index: fromCache ? this.#lastKey : this.#next,
      needsKey: !fromCache && options.start !== 'live',
    });
    this.#readers.push(reader);
    this.#readersChanged?.();
    return reader;
  }

  /** Closes readers that stuck and skips those that fell behind; called about once a second. */
  check(nowMs: number): void {
    for (const reader of [...this.#readers]) reader.checkStuck(nowMs);
    if (this.#readers.length > 0) this.#trim(nowMs);
  }

  /** Forgets the cached picture, for a budget that is used up; readers go on. */
  dropCache(nowMs: number): void {
    this.#lastKey = -1;
    this.#trim(nowMs);
  }

  /** Closes all readers with a reason and forgets everything. */
  close(reason: WatchpostError): void {
    for (const reader of [...this.#readers]) reader.end(reason);
    this.#taken = undefined;
    this.#release(this.#next);
    this.#budget?.delete(this);
  }

  /** For `LogReader`: takes what is there since `index`. */
  take(reader: LogReader<T>): readonly T[] {
    if (reader.needsKey) this.#seekKey(reader);
    const from = reader.index;
    if (reader.onReady !== undefined && !reader.isWaiting) {
      reader.isWaiting = true;
      this.#waiting.push(reader);
    }
    if (from === this.#next) return nothing;
    reader.index = this.#next;
    // Readers that keep up all ask for the same.
    if (this.#taken !== undefined && this.#takenFrom === from) return this.#taken;
    const items: T[] = [];
    const isMade = this.#collect(from, items);
    if (isMade || items.length > maxSharedItems) return items;
    this.#taken = items;
    this.#takenFrom = from;
    return items;
  }

  /** For `LogReader`: age of the oldest item that it has yet to pull. */
  lagMs(index: number, nowMs = this.#clock.monotonicMs()): number {
    return index < this.#next ? nowMs - this.#atMs[index & this.#mask]! : 0;
  }

  /** For `LogReader`. */
  follow(reader: LogReader<T>, follower: Follower<T>): void {
    const isUpToDate = !reader.needsKey && reader.index === this.#next && this.#told === this.#next;
    if (reader.follower !== undefined || !isUpToDate) return;
    reader.follower = follower;
    this.#company.join(reader);
  }

  /** For `LogReader`. */
  forget(reader: LogReader<T>): void {
    this.#readers = this.#readers.filter((other) => other !== reader);
    this.#waiting = this.#waiting.filter((other) => other !== reader);
    if (reader.onReady !== undefined) this.#awaiting--;
    if (reader.follower !== undefined) this.#company.leave(reader);
    reader.follower = undefined;
    this.#readersChanged?.();
  }

  #tell(from: number): void {
    const items: T[] = [];
    this.#collect(from, items);
    this.#company.tell(items, from);
  }

  /** All since `from`; true if some of them were made anew. */
  #collect(from: number, items: T[]): boolean {
    let made: readonly T[] | undefined;
    let used = 0;
    for (let index = from; index < this.#next; index++) {
      let item = this.#items[index & this.#mask];
      if (item === undefined) {
        made ??= this.#keeper!.read(this.#keptBefore(from), Number.POSITIVE_INFINITY);
        item = made[used++]!;
      }
      items.push(item);
    }
    return made !== undefined;
  }

  #keptBefore(end: number): number {
    let count = 0;
    for (let index = this.#first; index < end; index++) if (this.#items[index & this.#mask] === undefined) count++;
    return count;
  }

  /** From now on all readers get the same objects. */
  #takeKept(): void {
    const items: T[] = [];
    if (!this.#collect(this.#first, items)) return;
    for (let i = 0; i < items.length; i++) this.#items[(this.#first + i) & this.#mask] = items[i];
    this.#keeper!.drop(items.length);
  }

  #seekKey(reader: LogReader<T>): void {
    while (reader.index < this.#next && !this.#randomAccess[reader.index & this.#mask]) reader.index++;
    if (reader.index < this.#next) reader.needsKey = false;
  }

  /** The cache is past its limit within one group: without readers it is dropped until the next random access point. */
  #overflow(nowMs: number): void {
    const cached =
      this.#lastKey < this.#first ? 0 : this.#bytesWritten - this.#bytesBefore[this.#lastKey & this.#mask]!;
    if (cached > this.#cacheLimitBytes) this.#lastKey = -1;
    this.#trim(nowMs);
    this.#trimAtBytes = Math.max(this.#cacheLimitBytes, this.bytes + (this.#cacheLimitBytes >> 3));
  }

  #trim(nowMs: number): void {
    let keepFrom = this.#lastKey >= this.#first ? this.#lastKey : this.#next;
    if (this.#company.size > 0 && this.#told < keepFrom) keepFrom = this.#told;
    for (const reader of this.#readers) {
      if (reader.follower !== undefined || reader.index >= keepFrom) continue;
      const lagBytes = this.#bytesWritten - this.#bytesBefore[reader.index & this.#mask]!;
      const lagMs = nowMs - this.#atMs[reader.index & this.#mask]!;
      if (lagMs > reader.maxLagMs || lagBytes > reader.maxLagBytes) this.#skip(reader);
      if (reader.index < keepFrom) keepFrom = reader.index;
    }
    this.#release(keepFrom);
    this.#trimAtBytes = Math.max(this.#cacheLimitBytes, this.bytes);
  }

  /** Moves a slow reader to the last random access point, or to the next one to come. */
  #skip(reader: LogReader<T>): void {
    const to = this.#lastKey > reader.index ? this.#lastKey : this.#next;
    reader.dropped += to - reader.index;
    reader.index = to;
    reader.needsKey = to === this.#next;
  }

  #release(keepFrom: number): void {
    const before = this.bytes;
    let kept = 0;
    for (; this.#first < keepFrom; this.#first++) {
      const slot = this.#first & this.#mask;
      if (this.#items[slot] === undefined) kept++;
      else this.#items[slot] = undefined;
    }
    if (kept > 0) this.#keeper!.drop(kept);
    this.#budget?.shrank(before - this.bytes);
  }

  #grow(): void {
    const capacity = (this.#mask + 1) * 2;
    const items: (T | undefined)[] = new Array(capacity).fill(undefined);
    const atMs: number[] = new Array(capacity).fill(0);
    const bytesBefore: number[] = new Array(capacity).fill(0);
    const randomAccess: boolean[] = new Array(capacity).fill(false);
    for (let index = this.#first; index < this.#next; index++) {
      const from = index & this.#mask;
      const to = index & (capacity - 1);
      items[to] = this.#items[from];
      atMs[to] = this.#atMs[from]!;
      bytesBefore[to] = this.#bytesBefore[from]!;
      randomAccess[to] = this.#randomAccess[from]!;
    }
    this.#items = items;
    this.#atMs = atMs;
    this.#bytesBefore = bytesBefore;
    this.#randomAccess = randomAccess;
    this.#mask = capacity - 1;
  }
}
