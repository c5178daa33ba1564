import {
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import type { Gap, Lock } from '../api/types.ts';
import { useWords } from '../i18n/language.ts';
import { isMessageKey } from '../i18n/translate.ts';
import { themePreference } from '../theme/theme.ts';
import { drawTimeline, readTimelineColors, type TimelineScene } from './draw.ts';
import { type Stretch, stretchAt, type TimeView, timeToX, zoomView } from './geometry.ts';
import { type Marks, markedRange } from './marks.ts';
import type { GapStretch } from './read-timeline.ts';
import { Thumbnail } from './thumbnail.tsx';
import { usePointer } from './use-pointer.ts';

/** What a timeline shows and tells. */
export interface TimelineProps {
  readonly day: Stretch;
  readonly view: TimeView;
  readonly spans: readonly Stretch[];
  readonly gaps: readonly GapStretch[];
  readonly nowMs: number;
  readonly positionMs: number | null;
  readonly streamId: string;
  readonly marks: Marks;
  readonly locks: readonly Lock[];
  onView(view: TimeView): void;
  /** The person chose an instant. */
  onSeek(ms: number, backwards?: boolean): void;
}

/** A day of recordings to look at, zoom and scrub: with mouse, fingers or keys. */
export function Timeline(props: TimelineProps) {
  const { day, view, spans, gaps, nowMs, positionMs } = props;
  const words = useWords();
  const { t, formats, timeZone } = words;
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [hoverMs, setHoverMs] = useState<number | null>(null);
  const [dragMs, setDragMs] = useState<number | null>(null);
  usePointer(box, {
    day,
    view,
    onView: props.onView,
    onHover: setHoverMs,
    onDrag: setDragMs,
    onPick: (ms) => props.onSeek(Math.min(ms, nowMs)),
  });
  const shownMs = dragMs ?? positionMs;
  useDrawing(canvas, {
    view,
    timeZone,
    spans,
    gaps,
    nowMs,
    positionMs: shownMs,
    hoverMs,
    label: (ms, withSeconds) => (withSeconds ? formats.time(ms) : formats.clock(ms)),
  });
  const tipMs = dragMs ?? hoverMs;
  const at = shownMs ?? nowMs;
  const pressed = (event: KeyboardEvent) => {
    const action = keyAction(event, at);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    if (action.zoom !== undefined)
      props.onView(zoomView(view, day, { factor: action.zoom, anchorMs: clampTo(at, view) }));
    if (action.seekMs === undefined) return;
    const latest = Math.min(nowMs, day.endMs - 1);
    const wanted = Math.min(Math.max(action.seekMs, day.startMs), latest);
    props.onSeek(wanted, action.seekMs < at || event.key === 'End');
  };
  return (
    <div
      ref={box}
      className="timeline"
      role="slider"
      tabIndex={0}
      aria-label={t('timeline.label')}
      aria-valuemin={day.startMs}
      aria-valuemax={day.endMs}
      aria-valuenow={Math.round(at)}
      aria-valuetext={`${formats.time(at)}, ${shownMs === null ? t('nav.live') : contentText(at, spans, gaps, words)}`}
      data-spans={spans.length}
      data-gaps={gaps.length}
      data-start-ms={view.startMs}
      data-end-ms={view.endMs}
      onKeyDown={pressed}
    >
      <canvas ref={canvas} />
      {props.locks.map((lock) => (
        <LockedStretch key={lock.id} lock={lock} view={view} />
      ))}
      <MarkedStretch marks={props.marks} view={view} />
      {tipMs === null ? null : (
        <TimelineTip view={view} ms={tipMs} text={contentText(tipMs, spans, gaps, words)}>
          {stretchAt(spans, tipMs) ? (
            <Thumbnail streamId={props.streamId} ms={tipMs} viewMs={view.endMs - view.startMs} />
          ) : null}
        </TimelineTip>
      )}
    </div>
  );
}

function LockedStretch({ lock, view }: { lock: Lock; view: TimeView }) {
  const left = Math.max(0, timeToX(view, 100, Date.parse(lock.start)));
  const right = Math.min(100, timeToX(view, 100, Date.parse(lock.end)));
  if (right <= left) return null;
  return <div className="locked-stretch" style={{ left: `${left}%`, width: `${right - left}%` }} aria-hidden="true" />;
}

/** What is marked; a line where only one end is. */
function MarkedStretch({ marks, view }: { marks: Marks; view: TimeView }) {
  const { startMs, endMs } = markedRange(marks) ?? {
    startMs: marks.startMs ?? marks.endMs ?? Number.NaN,
    endMs: marks.startMs ?? marks.endMs ?? Number.NaN,
  };
  if (!(endMs >= view.startMs && startMs <= view.endMs)) return null;
  const left = Math.max(0, timeToX(view, 100, startMs));
  const width = Math.min(100, timeToX(view, 100, endMs)) - left;
  return <div className="timeline-marked" style={{ left: `${left}%`, width: `${width}%` }} aria-hidden="true" />;
}

function TimelineTip({ view, ms, text, children }: { view: TimeView; ms: number; text: string; children: ReactNode }) {
  const { formats } = useWords();
  const percent = Math.min(Math.max(timeToX(view, 100, ms), 0), 100);
  return (
    <div className="timeline-tip" style={{ left: `${percent}%`, translate: `${-percent}% 0` }} role="status">
      {children}
      <strong>{formats.time(ms)}</strong> {text}
    </div>
  );
}

type Words = ReturnType<typeof useWords>;

/** Why there is a gap, in the person's language. */
export function gapText({ t, language }: Words, gap: Gap): string {
  const key = `gap.${gap.reason}`;
  const reason = isMessageKey(key) ? t(key) : gap.reason;
  // The details are sentences of the server, which speaks English alone.
  return gap.detail && (language === 'en' || reason === gap.reason) ? `${reason} — ${gap.detail}` : reason;
}

function contentText(ms: number, spans: readonly Stretch[], gaps: readonly GapStretch[], words: Words): string {
  const { t } = words;
  if (stretchAt(spans, ms)) return t('timeline.recorded');
  const gap = stretchAt(gaps, ms);
  return gap ? gapText(words, gap.gap) : t('timeline.nothing');
}

function clampTo(ms: number, view: TimeView): number {
  return Math.min(Math.max(ms, view.startMs), view.endMs);
}

function keyAction(event: KeyboardEvent, at: number): { seekMs?: number; zoom?: number } | null {
  const stepMs = event.shiftKey ? 60_000 : 10_000;
  switch (event.key) {
    case 'ArrowLeft':
      return { seekMs: at - stepMs };
    case 'ArrowRight':
      return { seekMs: at + stepMs };
    case 'Home':
      return { seekMs: Number.NEGATIVE_INFINITY };
    case 'End':
      return { seekMs: Number.POSITIVE_INFINITY };
    case 'PageUp':
      return { seekMs: at - 3_600_000 };
    case 'PageDown':
      return { seekMs: at + 3_600_000 };
    case '+':
    case '=':
    case 'ArrowUp':
      return { zoom: 2 };
    case '-':
    case 'ArrowDown':
      return { zoom: 0.5 };
    default:
      return null;
  }
}

function useDrawing(canvas: RefObject<HTMLCanvasElement | null>, scene: TimelineScene): void {
  const latest = useRef(scene);
  latest.current = scene;
  const theme = themePreference.use();
  const paint = useRef(() => {});
  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context) return;
    paint.current = () => {
      const { clientWidth: width, clientHeight: height } = element;
      if (width === 0) return;
      const ratio = devicePixelRatio;
      const pixels = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
      if (element.width !== pixels.width || element.height !== pixels.height) Object.assign(element, pixels);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      drawTimeline(context, latest.current, { width, height, colors: readTimelineColors(element) });
    };
    const observer = new ResizeObserver(() => paint.current());
    observer.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: light)');
    const repaint = () => requestAnimationFrame(() => paint.current());
    scheme.addEventListener('change', repaint);
    return () => {
      observer.disconnect();
      scheme.removeEventListener('change', repaint);
    };
  }, [canvas]);
  useEffect(() => {
    // The theme is put on the document by an effect of the whole console, which runs after this one.
    if (theme !== undefined) requestAnimationFrame(() => paint.current());
  }, [theme]);
  useLayoutEffect(() => paint.current());
}
