import { ReceiveWindow, SharedWindowBudget, type WindowBudget } from './receive-window.ts';
import { announcedLimits } from './session-limits.ts';
import type { SessionLimits } from './types.ts';

/** What all channels of a session together may be sent. It holds all their windows, so it never binds before they do. */
export class SessionWindow {
  readonly #limits: SessionLimits;
  readonly #growth: SharedWindowBudget;
  readonly #bytes: number;
  #received = 0;
  #consumed = 0;
  #limit: number;

  constructor(limits: SessionLimits, peerMaxChannels: number, budget?: WindowBudget) {
    this.#limits = limits;
    this.#bytes = announcedLimits(limits, peerMaxChannels).sessionBytes;
    this.#limit = this.#bytes;
    const initial = (limits.maxChannels + peerMaxChannels) * limits.window.initialBytes;
    this.#growth = new SharedWindowBudget(this.#bytes - initial, budget);
  }

  /** Position up to which the other end may send. */
  get limit(): number {
    return this.#limit;
  }

  /** The window of a new channel. */
  open(): ReceiveWindow {
    return new ReceiveWindow(this.#limits.window, this.#growth);
  }

  /** Counts what came; false where it is more than was promised. */
  receive(bytes: number): boolean {
    this.#received += bytes;
    return this.#received <= this.#limit;
  }

  /** Counts what is done with; true where it is time to tell the other end. */
  consume(bytes: number): boolean {
    this.#consumed += bytes;
    if (this.#limit - this.#consumed > this.#bytes / 2) return false;
    this.#limit = this.#consumed + this.#bytes;
    return true;
  }
}
