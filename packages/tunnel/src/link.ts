import type { Clock } from '@watchpost/base/clock.ts';
import { frameType, makeNumberFrame } from './frame.ts';
import { Liveness, type LivenessLimits } from './liveness.ts';
import type { LinkLoss, Transport } from './types.ts';

const ackEveryBytes = 128 * 1024;
const ackDelayMs = 200;

/** What a link needs of its session. */
export interface LinkOwner {
  /** Position up to which numbered frames were read. */
  readonly received: number;
  /** The other end owes an ACK. */
  readonly isUnacknowledged: boolean;
  /** Called at each check that finds the connection alive: a chance to give memory back. */
  checked(): void;
  /** The connection is dead. */
  lost(cause: LinkLoss): void;
}

/** One connection of a session: acknowledgements, questions whether the other end is there, and the round trip. */
export class Link {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #owner: LinkOwner;
  readonly #liveness: Liveness;
  #acknowledged: number;
  #cancelAck: (() => void) | undefined;
  #cancelCheck: (() => void) | undefined;
  #isOver = false;

  constructor(transport: Transport, owner: LinkOwner, { clock, limits }: { clock: Clock; limits: LivenessLimits }) {
    this.#transport = transport;
    this.#owner = owner;
    this.#clock = clock;
    this.#liveness = new Liveness(limits, clock.monotonicMs());
    this.#acknowledged = owner.received;
    this.#armCheck();
    this.#ping();
  }

  get liveness(): Liveness {
    return this.#liveness;
  }

  get bufferedBytes(): number {
    return this.#transport.bufferedBytes;
  }

  send(message: Uint8Array): void {
    this.#transport.send(message);
  }

  /** Reads ACK's siblings that concern only the connection. */
  answerPing(id: number): void {
    this.#transport.send(makeNumberFrame(frameType.pong, id));
  }

  /** A message came and was read: acknowledges at once after much, else a little later. */
  messageRead(): void {
    if (this.#isOver) return;
    const owed = this.#owner.received - this.#acknowledged;
    if (owed >= ackEveryBytes) this.#acknowledge();
    else if (owed > 0) this.#cancelAck ??= this.#clock.after(ackDelayMs, this.#onAckDue);
  }

  /** Ends the connection; nothing is sent or called afterwards. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelAck?.();
    this.#cancelCheck?.();
    this.#transport.close();
  }

  readonly #onAckDue = (): void => {
    this.#acknowledge();
  };

  #acknowledge(): void {
    this.#cancelAck?.();
    this.#cancelAck = undefined;
    this.#acknowledged = this.#owner.received;
    this.#transport.send(makeNumberFrame(frameType.ack, this.#acknowledged));
  }

  #armCheck(): void {
    this.#cancelCheck = this.#clock.after(this.#liveness.intervalMs, this.#onCheckDue);
  }

  readonly #onCheckDue = (): void => {
    const verdict = this.#liveness.check(this.#clock.monotonicMs(), this.#owner.isUnacknowledged);
    if (verdict === 'dead') {
      this.#owner.lost('silent');
      return;
    }
    if (verdict === 'ping') this.#ping();
    this.#owner.checked();
    this.#armCheck();
  };

  #ping(): void {
    const id = this.#liveness.ping(this.#clock.monotonicMs());
    if (id !== undefined) this.#transport.send(makeNumberFrame(frameType.ping, id));
  }
}
