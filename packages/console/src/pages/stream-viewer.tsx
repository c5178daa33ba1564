import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTimeline } from '../api/queries.ts';
import type { Stream } from '../api/types.ts';
import { useNow } from '../components/use-now.ts';
import { useWords } from '../i18n/language.ts';
import type { QualityChoice } from '../player/codec-support.ts';
import type { LiveStatus } from '../player/live-player.ts';
import { LiveVideo } from '../player/live-video.tsx';
import { qualityNote } from '../player/quality-note.ts';
import { usePlace } from '../router.ts';
import { useIsOperator, useSignedIn } from '../session.tsx';
import {
  firstView,
  followInView,
  nextRecorded,
  type Stretch,
  steppedBack,
  type TimeView,
} from '../timeline/geometry.ts';
import { type Marks, noMarks, setMark } from '../timeline/marks.ts';
import { type GapStretch, readTimeline, untilNow } from '../timeline/read-timeline.ts';
import { Timeline } from '../timeline/timeline.tsx';
import { type CalendarDay, dayBounds, dayOf, dayText } from '../timeline/zone.ts';
import { ExportBar } from './export-bar.tsx';
import { GapList } from './gap-list.tsx';
import { LockList, useLocks } from './locks.tsx';
import { PictureTools } from './picture-tools.tsx';
import { RecordedVideo } from './recorded-video.tsx';
import { snapshotOf } from './snapshot-link.ts';
import { TransportBar } from './transport-bar.tsx';
import { type RecordingControl, useRecording } from './use-recording.ts';

/** The picture of a camera, live or recorded, over the timeline of a day. */
export function StreamViewer({ stream, sub }: { stream: Stream; sub: Stream | undefined }) {
  const { t, timeZone } = useWords();
  const { clockOffsetMs } = useSignedIn();
  const video = useRef<HTMLVideoElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const recording = useRecording(video, stream.stream_id);
  const nowMs = useNow(1000) + clockOffsetMs;
  const [muted, setMuted] = useState(true);
  const [live, setLive] = useState<{ status: LiveStatus | null; choice: QualityChoice } | null>(null);
  const receive = useCallback((status: LiveStatus | null, choice: QualityChoice) => setLive({ status, choice }), []);
  const calendar = useCalendarView(nowMs, timeZone);
  const timeline = useRecordedDay(stream.stream_id, calendar.bounds, nowMs);
  const locks = useLocks(stream.stream_id, calendar.bounds);
  const view = calendar.view ?? firstView(calendar.bounds, timeline.spans, nowMs);
  const position = recording.status?.positionMs ?? null;
  const seek = useSeek(recording, { spans: timeline.spans, nowMs, endMs: calendar.bounds.endMs });
  useFollow({ ...calendar, view }, position, recording.status?.phase === 'playing');
  useEndOfRecording(recording, timeline.spans, nowMs);
  useWantedMoment(recording, calendar);
  const [marks, setMarks] = useState(noMarks);
  const mark = (end: keyof Marks) => setMarks((known) => setMark(known, end, Math.round(position ?? nowMs)));
  const mayExport = useIsOperator();
  useViewerKeys({ recording, seek, nowMs, frame, mark: mayExport ? mark : () => {} });
  const note = live && !recording.status ? qualityNote(t, live.choice) : null;
  return (
    <section className="viewer" data-mode={recording.status ? 'recorded' : 'live'}>
      <div className="viewer-picture" ref={frame}>
        {recording.status ? null : (
          <LiveVideo stream={stream} sub={sub} wanted="main" muted={muted} onStatus={receive} />
        )}
        <RecordedVideo
          {...{ video, muted }}
          streamId={stream.stream_id}
          status={recording.status}
          title={stream.title}
        />
        <PictureTools
          latencyMs={recording.status === null && live?.status?.phase === 'playing' ? live.status.latencyMs : null}
          snapshot={snapshotOf(stream, position, nowMs)}
          muted={muted}
          onMuted={setMuted}
          onFullscreen={() => void toggleFrame(frame)}
        />
      </div>
      {note === null ? null : <p className="viewer-note">{note}</p>}
      <TransportBar
        recording={recording}
        onStep={(ms) => seek((position ?? nowMs) + ms, ms < 0)}
        day={calendar.day}
        today={dayOf(nowMs, timeZone)}
        streamId={stream.stream_id}
        view={view}
        bounds={calendar.bounds}
        anchorMs={position ?? nowMs}
        onView={calendar.setView}
        onDay={(day) => {
          calendar.setDay(day);
          if (dayText(day) === dayText(dayOf(nowMs, timeZone))) recording.live();
        }}
      />
      <Timeline
        day={calendar.bounds}
        view={view}
        spans={timeline.spans}
        gaps={timeline.gaps}
        nowMs={nowMs}
        positionMs={position}
        streamId={stream.stream_id}
        marks={marks}
        locks={locks}
        onView={calendar.setView}
        onSeek={seek}
      />
      {mayExport ? (
        <ExportBar streamId={stream.stream_id} marks={marks} onMark={mark} onClear={() => setMarks(noMarks)} />
      ) : null}
      <LockList streamId={stream.stream_id} locks={locks} />
      <GapList
        gaps={timeline.gaps}
        nowMs={nowMs}
        onPick={(ms) => calendar.setView(followInView(view, calendar.bounds, ms))}
      />
    </section>
  );
}

async function toggleFrame(frame: RefObject<HTMLDivElement | null>): Promise<void> {
  if (document.fullscreenElement) return document.exitFullscreen();
  const element = frame.current;
  if (element?.requestFullscreen) return element.requestFullscreen();
  const videos = element?.querySelectorAll<HTMLVideoElement & { webkitEnterFullscreen?: () => void }>('video') ?? [];
  for (const video of videos) if (video.videoWidth > 0) video.webkitEnterFullscreen?.();
}

interface CalendarView {
  readonly day: CalendarDay;
  readonly bounds: Stretch;
  /** Null until the person chose one. */
  readonly view: TimeView | null;
  setDay(day: CalendarDay): void;
  setView(view: TimeView): void;
}

/** The day that is looked at, and what part of it. Follows midnight while it is today. */
function useCalendarView(nowMs: number, timeZone: string): CalendarView {
  const [chosen, setChosen] = useState<CalendarDay | null>(null);
  const today = dayText(dayOf(nowMs, timeZone));
  const day = useMemo(() => {
    const [year = 0, month = 0, date = 0] = today.split('-').map(Number);
    return chosen ?? { year, month, day: date };
  }, [chosen, today]);
  const bounds = useMemo(() => dayBounds(day, timeZone), [day, timeZone]);
  const [wanted, setView] = useState<TimeView | null>(null);
  const view = wanted && wanted.startMs >= bounds.startMs && wanted.endMs <= bounds.endMs ? wanted : null;
  return {
    day,
    bounds,
    view,
    setView,
    setDay: (next) => setChosen(dayText(next) === today ? null : next),
  };
}

function useRecordedDay(id: string, bounds: Stretch, nowMs: number): { spans: Stretch[]; gaps: GapStretch[] } {
  const query = useTimeline(id, { ...bounds, live: nowMs < bounds.endMs });
  const data = query.data;
  const { spans, gaps } = useMemo(() => readTimeline(data, bounds), [data, bounds]);
  return { spans, gaps: useMemo(() => untilNow(gaps, nowMs), [gaps, nowMs]) };
}

/** Nearer to now than this is live. */
const liveEdgeMs = 8000;

function useSeek(recording: RecordingControl, day: { spans: readonly Stretch[]; nowMs: number; endMs: number }) {
  const latest = useRef(day);
  latest.current = day;
  const { play, live } = recording;
  return useCallback(
    (ms: number, backwards = false) => {
      const { spans, nowMs } = latest.current;
      if (ms >= nowMs - liveEdgeMs) {
        live();
        return;
      }
      // Where nothing follows in this day the server knows whether something does later.
      play((backwards ? steppedBack(spans, ms) : nextRecorded(spans, ms)) ?? ms);
    },
    [play, live],
  );
}

function useFollow(
  calendar: CalendarView & { readonly view: TimeView },
  position: number | null,
  playing: boolean,
): void {
  const { timeZone } = useWords();
  const latest = useRef(calendar);
  latest.current = calendar;
  useEffect(() => {
    if (position === null || !playing) return;
    const { bounds, view, setDay, setView } = latest.current;
    if (position >= bounds.endMs) setDay(dayOf(position, timeZone));
    else if (position >= bounds.startMs) {
      const next = followInView(view, bounds, position);
      if (next !== view) setView(next);
    }
  }, [position, playing, timeZone]);
}

/** Plays the moment that the address names (`?t=`, ms since 1970 UTC). */
function useWantedMoment({ play }: RecordingControl, { setDay }: CalendarView): void {
  const { timeZone } = useWords();
  const wanted = Number(usePlace().query.get('t') ?? Number.NaN);
  const choose = useRef(setDay);
  choose.current = setDay;
  useEffect(() => {
    if (!Number.isFinite(wanted)) return;
    choose.current(dayOf(wanted, timeZone));
    play(wanted);
  }, [wanted, play, timeZone]);
}

/** When what was loaded has been played: goes on with what was recorded next, or with live. */
function useEndOfRecording(recording: RecordingControl, spans: readonly Stretch[], nowMs: number): void {
  const { status, play, live } = recording;
  const phase = status?.phase;
  const position = status?.positionMs ?? 0;
  const latest = useRef({ spans, nowMs, position });
  latest.current = { spans, nowMs, position };
  useEffect(() => {
    if (phase !== 'ended') return;
    const { spans: known, nowMs: now, position: at } = latest.current;
    const next = nextRecorded(known, at + 1000);
    if (next === null || next >= now - liveEdgeMs) live();
    else play(next);
  }, [phase, play, live]);
}

/** Keys of video editors. */
const markKeys: Readonly<Record<string, keyof Marks>> = { '[': 'startMs', i: 'startMs', ']': 'endMs', o: 'endMs' };

interface ViewerKeys {
  readonly recording: RecordingControl;
  readonly nowMs: number;
  readonly frame: RefObject<HTMLDivElement | null>;
  seek(ms: number, backwards?: boolean): void;
  mark(end: keyof Marks): void;
}

function useViewerKeys(keys: ViewerKeys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const target = event.target instanceof HTMLElement ? event.target : null;
      if (event.ctrlKey || event.metaKey || event.altKey || target?.closest('input, select, textarea, dialog')) return;
      const { recording, seek, nowMs, frame, mark } = latest.current;
      const end = markKeys[event.key.toLowerCase()];
      if (end !== undefined) mark(end);
      // The space bar presses what has the focus; the other keys mean nothing to buttons and links.
      if (end !== undefined || (event.key === ' ' && target?.closest('button, a, summary'))) return;
      const at = recording.status?.positionMs ?? nowMs;
      if (event.key === 'ArrowLeft') seek(at - 10_000, true);
      else if (event.key === 'ArrowRight') seek(at + 10_000);
      else if (event.key === ' ' && recording.status) recording.setPaused(recording.status.phase === 'playing');
      else if (event.key.toLowerCase() === 'l') recording.live();
      else if (event.key.toLowerCase() === 'f') void toggleFrame(frame);
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
}
