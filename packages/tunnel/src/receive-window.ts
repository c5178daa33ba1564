/** Bytes shared by the windows of many channels; what one takes the others cannot grow by. */
export interface WindowBudget {
  /** True where `bytes` more may be promised. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/** A budget of its own, or a share of a larger one. */
export class SharedWindowBudget implements WindowBudget {
  readonly #maxBytes: number;
  readonly #parent: WindowBudget | undefined;
  #taken = 0;

  constructor(maxBytes: number, parent?: WindowBudget) {
    this.#maxBytes = maxBytes;
    this.#parent = parent;
  }

  /** Bytes that are promised. */
  get takenBytes(): number {
    return this.#taken;
  }

  take(bytes: number): boolean {
    if (this.#taken + bytes > this.#maxBytes) return false;
    if (this.#parent && !this.#parent.take(bytes)) return false;
    this.#taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
    this.#parent?.give(bytes);
  }
}

/** A window that empties faster than this is too small, however near the other end is: processes take turns. */
const shortestRoundTripMs = 5;

/** How large windows may become. */
export interface WindowLimits {
  readonly initialBytes: number;
  readonly maxBytes: number;
}

/**
 * What the other end may send on a channel. It grows while half of it is used up within a round trip, so it settles at two
 * to four times the bandwidth–delay product: enough to fill the line, too little to fill the buffers along it.
 */
export class ReceiveWindow {
  readonly #limits: WindowLimits;
  readonly #budget: WindowBudget;
  #windowBytes: number;
  #received = 0;
  #consumed = 0;
  #limit: number;
  #grantedAtMs = Number.NEGATIVE_INFINITY;

  constructor(limits: WindowLimits, budget: WindowBudget) {
    this.#limits = limits;
    this.#budget = budget;
    this.#windowBytes = limits.initialBytes;
    this.#limit = limits.initialBytes;
  }

  /** Position up to which the other end may send. */
  get limit(): number {
    return this.#limit;
  }

  /** Present size. */
  get windowBytes(): number {
    return this.#windowBytes;
  }

  /** Bytes that came and were not consumed. */
  get heldBytes(): number {
    return this.#received - this.#consumed;
  }

  /** Counts what came; false where it is more than was promised. */
  receive(bytes: number): boolean {
    this.#received += bytes;
    return this.#received <= this.#limit;
  }

  /** Counts what was taken away; true where it is time to tell the other end the new `limit`. */
  consume(bytes: number, nowMs: number, roundTripMs: number): boolean {
    this.#consumed = Math.min(this.#consumed + bytes, this.#received);
    if (this.#limit - this.#consumed > this.#windowBytes / 2) return false;
    const elapsedMs = nowMs - this.#grantedAtMs;
    if (elapsedMs <= Math.max(roundTripMs, shortestRoundTripMs)) this.#grow();
    this.#grantedAtMs = nowMs;
    this.#limit = this.#consumed + this.#windowBytes;
    return true;
  }

  /** Gives back what it grew by. */
  release(): void {
    const grown = this.#windowBytes - this.#limits.initialBytes;
    this.#windowBytes = this.#limits.initialBytes;
    if (grown > 0) this.#budget.give(grown);
  }

  #grow(): void {
    const grown = Math.min(this.#windowBytes * 2, this.#limits.maxBytes);
    const more = grown - this.#windowBytes;
    if (more > 0 && this.#budget.take(more)) this.#windowBytes = grown;
  }
}
