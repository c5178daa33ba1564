import { type Stretch, type TimeView, tickStep, ticks, timeToX } from './geometry.ts';

/** Everything that a timeline shows. */
export interface TimelineScene {
  readonly view: TimeView;
  readonly timeZone: string;
  readonly spans: readonly Stretch[];
  readonly gaps: readonly Stretch[];
  readonly nowMs: number;
  /** What is played; null while live. */
  readonly positionMs: number | null;
  /** What the pointer is over. */
  readonly hoverMs: number | null;
  label(ms: number, withSeconds: boolean): string;
}

/** Colours of a theme, as the style sheet has them. */
export interface TimelineColors {
  readonly track: string;
  readonly recorded: string;
  readonly gap: string;
  readonly future: string;
  readonly tick: string;
  readonly label: string;
  readonly now: string;
  readonly position: string;
  readonly hover: string;
}

/** Height of the ruler above the track, px. */
export const rulerPx = 22;

/** Draws a timeline into a canvas that is `width` × `height` CSS pixels. */
export function drawTimeline(
  context: CanvasRenderingContext2D,
  scene: TimelineScene,
  paint: { width: number; height: number; colors: TimelineColors },
): void {
  const { width, height, colors } = paint;
  const x = (ms: number) => timeToX(scene.view, width, ms);
  const trackHeight = height - rulerPx;
  context.clearRect(0, 0, width, height);
  context.fillStyle = colors.track;
  context.fillRect(0, rulerPx, width, trackHeight);
  const fill = (stretch: Stretch, color: string, smallestPx: number) => {
    const left = Math.max(0, x(stretch.startMs));
    const right = Math.min(width, x(stretch.endMs));
    if (right < 0 || left > width) return;
    context.fillStyle = color;
    context.fillRect(left, rulerPx, Math.max(smallestPx, right - left), trackHeight);
  };
  for (const gap of scene.gaps) {
    fill(gap, colors.gap, 2);
    hatch(context, { left: x(gap.startMs), right: x(gap.endMs), width, height, color: colors.track });
  }
  for (const span of scene.spans) fill(span, colors.recorded, 1);
  if (scene.nowMs < scene.view.endMs) fill({ startMs: scene.nowMs, endMs: scene.view.endMs }, colors.future, 0);
  drawRuler(context, scene, paint);
  if (scene.hoverMs !== null) line(context, x(scene.hoverMs), { height, color: colors.hover, thickness: 1 });
  line(context, x(scene.nowMs), { height, color: colors.now, thickness: 2 });
  if (scene.positionMs !== null) drawPosition(context, x(scene.positionMs), { height, color: colors.position });
}

function drawRuler(
  context: CanvasRenderingContext2D,
  scene: TimelineScene,
  paint: { width: number; height: number; colors: TimelineColors },
): void {
  const stepMs = tickStep(scene.view, paint.width);
  context.font = '11px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (const ms of ticks(scene.view, stepMs, scene.timeZone)) {
    const x = Math.round(timeToX(scene.view, paint.width, ms)) + 0.5;
    context.fillStyle = paint.colors.tick;
    context.fillRect(x - 0.5, rulerPx - 5, 1, 5);
    context.globalAlpha = 0.35;
    context.fillRect(x - 0.5, rulerPx, 1, paint.height - rulerPx);
    context.globalAlpha = 1;
    const text = scene.label(ms, stepMs < 60_000);
    const half = context.measureText(text).width / 2;
    context.fillStyle = paint.colors.label;
    context.fillText(text, Math.min(Math.max(x, half + 1), paint.width - half - 1), 8);
  }
}

function hatch(
  context: CanvasRenderingContext2D,
  area: { left: number; right: number; width: number; height: number; color: string },
): void {
  const left = Math.max(0, area.left);
  const right = Math.min(area.width, area.right);
  if (right - left < 6) return;
  const tall = area.height - rulerPx;
  context.save();
  context.beginPath();
  context.rect(left, rulerPx, right - left, tall);
  context.clip();
  context.strokeStyle = area.color;
  context.globalAlpha = 0.55;
  context.lineWidth = 2;
  context.beginPath();
  for (let x = left - tall - ((left - tall) % 8); x < right; x += 8) {
    context.moveTo(x, area.height);
    context.lineTo(x + tall, rulerPx);
  }
  context.stroke();
  context.restore();
}

function line(
  context: CanvasRenderingContext2D,
  x: number,
  style: { height: number; color: string; thickness: number },
): void {
  context.fillStyle = style.color;
  context.fillRect(x - style.thickness / 2, rulerPx - 4, style.thickness, style.height);
}

function drawPosition(context: CanvasRenderingContext2D, x: number, style: { height: number; color: string }): void {
  line(context, x, { ...style, thickness: 2 });
  context.beginPath();
  context.moveTo(x - 6, rulerPx - 6);
  context.lineTo(x + 6, rulerPx - 6);
  context.lineTo(x, rulerPx + 3);
  context.closePath();
  context.fill();
}

/** Reads the colours from the style sheet. */
export function readTimelineColors(element: Element): TimelineColors {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(`--timeline-${name}`).trim();
  return {
    track: color('track'),
    recorded: color('recorded'),
    gap: color('gap'),
    future: color('future'),
    tick: color('tick'),
    label: color('label'),
    now: color('now'),
    position: color('position'),
    hover: color('hover'),
  };
}
