import { sleep } from '@watchpost/base/clock.ts';
import type { Clip } from '@watchpost/simulator/clip.ts';
import { loadClip } from '@watchpost/simulator/load-clip.ts';
import type { ProtocolContext, Publish } from '../../hub/types.ts';
import { UnitInput } from '../../hub/unit-input.ts';

const clipName = 'clock-h264-aac';
/** How often what is due is handed on: each picture of 25 a second by itself. */
const roundMs = 20;
/** So late (a machine that was suspended), it goes on from now instead of making up for it. */
const maxLateMs = 2000;

/** Plays the simulator's clip in a loop until the signal aborts; its clock shows the time of the loop, and says so. */
export async function pullClock(publish: Publish, { clock, signal }: ProtocolContext): Promise<void> {
  const clip = await loadClip(clipName);
  const input = new UnitInput(publish, clock);
  input.expect({ video: true, audio: true });
  for (const track of clip.tracks) input.track(track);
  const beganMs = clock.monotonicMs();
  let lateMs = 0;
  for (let i = 0; ; ) {
    const playedMs = clock.monotonicMs() - beganMs - lateMs;
    if (playedMs - atMs(clip, i) > maxLateMs) {
      lateMs += playedMs - atMs(clip, i);
      continue;
    }
    for (; atMs(clip, i) <= playedMs; i++) hand(input, clip, { i, lateMs });
    input.flush();
    await sleep(clock, roundMs, signal);
  }
}

/** When the sample is due, ms since the first one. */
function atMs({ samples, tracks, durationMs }: Clip, i: number): number {
  const { dts, trackIndex } = samples[i % samples.length]!;
  return Math.floor(i / samples.length) * durationMs + (dts * 1000) / tracks[trackIndex]!.clockRate;
}

function hand(input: UnitInput, clip: Clip, { i, lateMs }: { readonly i: number; readonly lateMs: number }): void {
  const { trackIndex, key, units } = clip.samples[i % clip.samples.length]!;
  const track = clip.tracks[trackIndex]!;
  const dts = Math.round(((atMs(clip, i) + lateMs) * track.clockRate) / 1000);
  input.unit(track, { dts, pts: dts, key, units });
}
