import type { ReportBlock } from './rtcp.ts';

/** Loss and jitter of one source as its receiver sees them (RFC 3550 §6.4.1, §A.3, §A.8). No clock: arrival times are given. */
export class ReceiverStats {
  readonly #ticksPerMs: number;
  #ssrc = 0;
  #received = 0;
  #base = -1;
  #highest = 0;
  #jitterTicks = 0;
  #transit = 0;
  #timestamp = -1;
  #expectedBefore = 0;
  #receivedBefore = 0;
  #lastSr = 0;
  #lastSrAtMs = 0;

  /** `clockRate`: ticks per second of the RTP timestamps. */
  constructor(clockRate: number) {
    this.#ticksPerMs = clockRate / 1000;
  }

  /** Interarrival jitter in ticks. */
  get jitterTicks(): number {
    return this.#jitterTicks;
  }

  /** Packets received, duplicates included. */
  get received(): number {
    return this.#received;
  }

  /** Packets expected less received; negative with duplicates (RFC 3550 §A.3). */
  get lost(): number {
    return this.#base < 0 ? 0 : this.#highest - this.#base + 1 - this.#received;
  }

  /** Counts a packet that came at `arrivalMs` of any steady clock. A new SSRC or a jump by more than 3000 begins anew. */
  onPacket(packet: { sequence: number; timestamp: number; ssrc: number }, arrivalMs: number): void {
    const delta = (packet.sequence - this.#highest) & 0xffff;
    if (this.#base < 0 || packet.ssrc !== this.#ssrc || (delta >= 3000 && delta < 0x10000 - 3000)) {
      this.#restart(packet.sequence, packet.ssrc);
    } else if (delta < 3000) {
      this.#highest += delta;
    }
    this.#received++;
    // Packets of one picture share a timestamp and come in a burst: only the first tells about the network.
    if (packet.timestamp === this.#timestamp) return;
    const transit = arrivalMs * this.#ticksPerMs - packet.timestamp;
    if (this.#timestamp >= 0) {
      const difference = Math.abs(transit - this.#transit);
      // The timestamp wrapped or was set anew: no jitter that a network makes.
      if (difference < 60_000 * this.#ticksPerMs) this.#jitterTicks += (difference - this.#jitterTicks) / 16;
    }
    this.#transit = transit;
    this.#timestamp = packet.timestamp;
  }

  /** Remembers a sender report for LSR and DLSR. */
  onSenderReport(ntpSeconds: number, ntpFraction: number, arrivalMs: number): void {
    this.#lastSr = ((ntpSeconds & 0xffff) * 0x10000 + (ntpFraction >>> 16)) >>> 0;
    this.#lastSrAtMs = arrivalMs;
  }

  /** The report block for now; the fraction lost counts from the call before. */
  report(nowMs: number): ReportBlock {
    const expected = this.#base < 0 ? 0 : this.#highest - this.#base + 1;
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (this.#received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = this.#received;
    const delay = this.#lastSr === 0 ? 0 : Math.round(((nowMs - this.#lastSrAtMs) * 65_536) / 1000);
    return {
      ssrc: this.#ssrc,
      fractionLost: expectedNow <= 0 || lostNow <= 0 ? 0 : Math.min(255, Math.floor((lostNow * 256) / expectedNow)),
      lost: Math.max(-0x80_0000, Math.min(0x7f_ffff, expected - this.#received)),
      highestSequence: this.#highest >>> 0,
      jitterTicks: Math.floor(this.#jitterTicks),
      lastSr: this.#lastSr,
      delaySinceLastSr: Math.max(0, Math.min(0xffff_ffff, delay)),
    };
  }

  #restart(sequence: number, ssrc: number): void {
    this.#ssrc = ssrc;
    this.#base = sequence;
    this.#highest = sequence;
    this.#received = 0;
    this.#expectedBefore = 0;
    this.#receivedBefore = 0;
    this.#jitterTicks = 0;
    this.#timestamp = -1;
    this.#lastSr = 0;
  }
}
