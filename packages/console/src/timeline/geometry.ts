import { wallClockMs } from './zone.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** What part of time a timeline shows, [startMs, endMs), ms since 1970 UTC. */
export interface TimeView {
  readonly startMs: number;
  readonly endMs: number;
}

/** A stretch of time; `endMs` is after `startMs`. */
export interface Stretch {
  readonly startMs: number;
  readonly endMs: number;
}

/** The closest that can be looked at. */
export const minViewMs = 60_000;

/** Place of an instant, in pixels from the left. */
export function timeToX(view: TimeView, widthPx: number, ms: number): number {
  return ((ms - view.startMs) / (view.endMs - view.startMs)) * widthPx;
}

/** Instant at a place, ms since 1970 UTC; places outside are taken as the nearest edge. */
export function xToTime(view: TimeView, widthPx: number, x: number): number {
  const inside = Math.min(Math.max(x, 0), widthPx);
  return Math.round(view.startMs + (inside / widthPx) * (view.endMs - view.startMs));
}

/** Keeps a view inside its day and not closer than a minute. */
export function clampView(view: TimeView, day: Stretch): TimeView {
  const dayMs = day.endMs - day.startMs;
  const lengthMs = Math.min(Math.max(view.endMs - view.startMs, minViewMs), dayMs);
  const startMs = Math.min(Math.max(view.startMs, day.startMs), day.endMs - lengthMs);
  return { startMs, endMs: startMs + lengthMs };
}

/** Zooms (`factor` > 1 comes closer) so that `anchorMs` stays where it is. */
export function zoomView(view: TimeView, day: Stretch, zoom: { factor: number; anchorMs: number }): TimeView {
  const lengthMs = Math.min(Math.max((view.endMs - view.startMs) / zoom.factor, minViewMs), day.endMs - day.startMs);
  const share = (zoom.anchorMs - view.startMs) / (view.endMs - view.startMs);
  const startMs = zoom.anchorMs - share * lengthMs;
  return clampView({ startMs, endMs: startMs + lengthMs }, day);
}

/** Moves a view by some time. */
export function panView(view: TimeView, day: Stretch, byMs: number): TimeView {
  return clampView({ startMs: view.startMs + byMs, endMs: view.endMs + byMs }, day);
}

/** What is shown of a day at first: all of it, or, of a camera that has been recorded for less than two hours, that much. */
export function firstView(day: Stretch, spans: readonly Stretch[], nowMs: number): TimeView {
  const first = spans[0];
  if (!first || nowMs >= day.endMs || nowMs - first.startMs > 2 * hour) return day;
  const margin = Math.max(5 * minute, (nowMs - first.startMs) / 4);
  return clampView({ startMs: first.startMs - margin, endMs: nowMs + margin }, day);
}

/** Moves a view, if it must, so that the instant is in it with some room to the right. */
export function followInView(view: TimeView, day: Stretch, ms: number): TimeView {
  const lengthMs = view.endMs - view.startMs;
  if (ms >= view.startMs && ms <= view.endMs - lengthMs * 0.02) return view;
  return clampView({ startMs: ms - lengthMs * 0.2, endMs: ms + lengthMs * 0.8 }, day);
}

const tickSteps = [
  5 * second,
  10 * second,
  30 * second,
  minute,
  5 * minute,
  10 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
];

/** The finest step whose labels do not touch, ms. */
export function tickStep(view: TimeView, widthPx: number, minGapPx = 64): number {
  const perPx = (view.endMs - view.startMs) / widthPx;
  return tickSteps.find((step) => step / perPx >= minGapPx) ?? 12 * hour;
}

/** Instants in the view at which the clock on the wall shows a multiple of `stepMs`; right on days of 23 and 25 hours. */
export function ticks(view: TimeView, stepMs: number, timeZone: string): number[] {
  // Offsets of zones are multiples of a quarter of an hour, so every wanted instant is one of these.
  const candidateMs = stepMs % (10 * minute) === 0 ? 5 * minute : Math.min(stepMs, 5 * minute);
  const found: number[] = [];
  for (let ms = Math.ceil(view.startMs / candidateMs) * candidateMs; ms < view.endMs; ms += candidateMs) {
    if (wallClockMs(ms, timeZone) % stepMs === 0) found.push(ms);
  }
  return found;
}

/** The stretch that holds an instant. */
export function stretchAt<T extends Stretch>(stretches: readonly T[], ms: number): T | undefined {
  return stretches.find((stretch) => ms >= stretch.startMs && ms < stretch.endMs);
}

/** Where playback starts when an instant is asked for: there, or at the next recorded instant; null where nothing follows. */
export function nextRecorded(spans: readonly Stretch[], ms: number): number | null {
  let best: number | null = null;
  for (const span of spans) {
    if (ms >= span.startMs && ms < span.endMs) return ms;
    if (span.startMs > ms && (best === null || span.startMs < best)) best = span.startMs;
  }
  return best;
}

/** Where playback goes when somebody steps back into a hole: shortly before the hole; where nothing is before it, to its end. */
export function steppedBack(spans: readonly Stretch[], ms: number): number | null {
  if (stretchAt(spans, ms)) return ms;
  let before: Stretch | undefined;
  for (const span of spans) if (span.endMs <= ms && (!before || span.endMs > before.endMs)) before = span;
  return before ? Math.max(before.startMs, before.endMs - 10 * second) : nextRecorded(spans, ms);
}
