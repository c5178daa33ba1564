import { sleep } from '@watchpost/base/clock.ts';
import { dtsMs, type TimedUnit } from '../../hub/timed-units.ts';
import type { ProtocolContext } from '../../hub/types.ts';
import type { UnitInput } from '../../hub/unit-input.ts';
import { UsualClock } from '../../hub/usual-clock.ts';

/** Units that are due this soon go out at once. */
const togetherMs = 15;
/** So late (a machine that was suspended, a disk that hung), it goes on from now instead of making up for it. */
const maxLateMs = 2000;
/** A frame whose length is not known: the last one of a track with one frame. */
const usualFrameMs = 40;

/** Hands units on at the pace of their own times; what is played next begins where the last one ended. */
export class LoopPlayer {
  readonly #input: UnitInput;
  readonly #context: Pick<ProtocolContext, 'clock' | 'signal'>;
  /** Monotonic ms of output time 0. */
  #baseMs: number;
  /** Output time where this round began, and where the next one begins. */
  #roundMs = 0;
  #endMs = 0;

  constructor(input: UnitInput, context: Pick<ProtocolContext, 'clock' | 'signal'>) {
    this.#input = input;
    this.#context = context;
    this.#baseMs = context.clock.monotonicMs();
  }

  /** Resolves when all of it is played, to whether there was anything; rejects with the signal's reason. */
  async play(units: AsyncIterable<TimedUnit>): Promise<boolean> {
    let firstMs: number | undefined;
    const spans = new Map<number, { readonly firstMs: number; lastMs: number }>();
    this.#roundMs = this.#endMs;
    const usual = new UsualClock();
    for await (const entry of units) {
      const { track, unit } = usual.convert(entry);
      const ownMs = dtsMs(entry);
      firstMs ??= ownMs;
      const span = spans.get(track.id) ?? { firstMs: ownMs, lastMs: ownMs - usualFrameMs };
      spans.set(track.id, span);
      // A round is as long as its longest track: tracks begin and end at different times.
      this.#endMs = Math.max(this.#endMs, this.#roundMs + 2 * ownMs - span.lastMs - span.firstMs);
      span.lastMs = ownMs;
      const shiftMs = this.#roundMs - firstMs;
      await this.#untilDue(ownMs + shiftMs);
      const shift = Math.round((shiftMs * track.clockRate) / 1000);
      this.#input.track(track);
      this.#input.unit(track, { ...unit, dts: unit.dts + shift, pts: unit.pts + shift });
    }
    this.#input.flush();
    return firstMs !== undefined;
  }

  async #untilDue(atMs: number): Promise<void> {
    const { clock, signal } = this.#context;
    const aheadMs = this.#baseMs + atMs - clock.monotonicMs();
    if (aheadMs < -maxLateMs) this.#baseMs -= aheadMs;
    if (aheadMs <= togetherMs) return;
    this.#input.flush();
    await sleep(clock, aheadMs, signal);
  }
}
