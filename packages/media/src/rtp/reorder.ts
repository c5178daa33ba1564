import type { RtpPacket } from '../types.ts';

/** Most packets that wait for one that is missing. */
const capacity = 64;
/** A jump by more is a sender that began anew. */
const maxJump = 3000;

/**
 * Puts packets from UDP back in order. A packet in order passes at once; a gap is given up when 64 numbers behind it
 * are reached or after `maxDelayMs`. No timer: `push` and `expire` are told the time.
 */
export class ReorderBuffer {
  /** Packets dropped because they came twice or too late. */
  late = 0;
  readonly #deliver: (packet: RtpPacket, lost: number) => void;
  readonly #maxDelayMs: number;
  readonly #slots: (RtpPacket | undefined)[] = new Array<RtpPacket | undefined>(capacity).fill(undefined);
  #expected = -1;
  #waiting = 0;
  #waitingSinceMs = 0;
  #lost = 0;
  #lateInRow = 0;

  /** `deliver` gets each packet in order, and how many are missing right before it. */
  constructor(deliver: (packet: RtpPacket, lost: number) => void, maxDelayMs = 200) {
    this.#deliver = deliver;
    this.#maxDelayMs = maxDelayMs;
  }

  /** Packets that wait for one before them. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Takes a packet that came at `nowMs` of a steady clock. */
  push(packet: RtpPacket, nowMs: number): void {
    const ahead = this.#expected < 0 ? 0 : (packet.sequence - this.#expected) & 0xffff;
    if (ahead === 0) {
      this.#lateInRow = 0;
      this.#pass(packet);
      if (this.#waiting > 0) this.#drain(nowMs);
      return;
    }
    if (ahead >= 0x8000 && !this.#isRestart(ahead)) {
      this.late++;
      return;
    }
    if (ahead >= maxJump) {
      // Both sides of the jump belong to other counts: what is missing is unknown, but at least one.
      this.flush();
      this.#lost++;
      this.#lateInRow = 0;
      this.#pass(packet);
      return;
    }
    this.#store(packet, nowMs);
  }

  /** Gives up gaps that are older than the delay; to be called from time to time on quiet streams. */
  expire(nowMs: number): void {
    if (this.#waiting > 0 && nowMs - this.#waitingSinceMs >= this.#maxDelayMs) {
      this.#skipGap();
      this.#drain(nowMs);
    }
  }

  /** Delivers what waits, whatever is missing. */
  flush(): void {
    while (this.#waiting > 0) {
      this.#skipGap();
      this.#drain(0);
    }
  }

  #store(packet: RtpPacket, nowMs: number): void {
    while (((packet.sequence - this.#expected) & 0xffff) >= capacity) {
      if (this.#waiting === 0) {
        const missing = ((packet.sequence - this.#expected) & 0xffff) - capacity + 1;
        this.#lost += missing;
        this.#expected = (this.#expected + missing) & 0xffff;
      } else {
        this.#skipGap();
        this.#drain(nowMs);
      }
    }
    if (packet.sequence === this.#expected) {
      this.push(packet, nowMs);
      return;
    }
    const slot = packet.sequence & (capacity - 1);
    if (this.#slots[slot] !== undefined) {
      this.late++;
      return;
    }
    this.#slots[slot] = packet;
    if (this.#waiting++ === 0) this.#waitingSinceMs = nowMs;
    this.expire(nowMs);
  }

  /** Far behind, or for longer than any reordering lasts: not late packets but a new count. */
  #isRestart(ahead: number): boolean {
    this.#lateInRow++;
    return ahead < 0x10000 - maxJump || this.#lateInRow > capacity;
  }

  #pass(packet: RtpPacket): void {
    const lost = this.#lost;
    this.#lost = 0;
    this.#expected = (packet.sequence + 1) & 0xffff;
    this.#deliver(packet, lost);
  }

  #drain(nowMs: number): void {
    for (;;) {
      const slot = this.#expected & (capacity - 1);
      const packet = this.#slots[slot];
      if (packet === undefined) break;
      this.#slots[slot] = undefined;
      this.#waiting--;
      this.#waitingSinceMs = nowMs;
      this.#pass(packet);
    }
  }

  #skipGap(): void {
    while (this.#slots[this.#expected & (capacity - 1)] === undefined) {
      this.#expected = (this.#expected + 1) & 0xffff;
      this.#lost++;
    }
  }
}
