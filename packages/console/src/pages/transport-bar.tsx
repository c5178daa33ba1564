import { useState } from 'react';
import { Button, IconButton } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { useWords } from '../i18n/language.ts';
import { Calendar } from '../timeline/calendar.tsx';
import { clampView, type Stretch, type TimeView, zoomView } from '../timeline/geometry.ts';
import { addDays, type CalendarDay, dayText } from '../timeline/zone.ts';
import type { RecordingControl } from './use-recording.ts';

const rates = [0.5, 1, 2, 4, 8, 16];

/** What the bar shows and does. */
export interface TransportBarProps {
  readonly recording: RecordingControl;
  readonly day: CalendarDay;
  readonly today: CalendarDay;
  readonly streamId: string;
  readonly view: TimeView;
  readonly bounds: Stretch;
  /** Zoom keeps this instant in place where it is in view. */
  readonly anchorMs: number;
  onStep(ms: number): void;
  onView(view: TimeView): void;
  onDay(day: CalendarDay): void;
}

/** The buttons between the picture and the timeline. */
export function TransportBar(props: TransportBarProps) {
  return (
    <div className="transport">
      <PlayGroup {...props} />
      <span className="spacer" />
      <DayGroup {...props} />
      <ZoomGroup {...props} />
    </div>
  );
}

function PlayGroup({ recording, ...props }: TransportBarProps) {
  const { t, formats } = useWords();
  const { status } = recording;
  const playing = status?.phase === 'playing' || status?.phase === 'loading';
  return (
    <div className="transport-group">
      <button
        type="button"
        className="live-button"
        aria-pressed={status === null}
        title={t('playback.to_live')}
        onClick={() => recording.live()}
      >
        <span className="live-dot" aria-hidden="true" />
        {t('playback.live')}
      </button>
      <Button
        tone="quiet"
        aria-label={t('playback.step_back')}
        title={t('playback.step_back')}
        onClick={() => props.onStep(-10_000)}
      >
        {t('playback.minus_ten')}
      </Button>
      <IconButton
        icon={playing || status === null ? 'pause' : 'play'}
        label={t(playing || status === null ? 'playback.pause' : 'playback.play')}
        disabled={status === null}
        onClick={() => recording.setPaused(playing)}
      />
      <Button
        tone="quiet"
        aria-label={t('playback.step_on')}
        title={t('playback.step_on')}
        disabled={status === null}
        onClick={() => props.onStep(10_000)}
      >
        {t('playback.plus_ten')}
      </Button>
      <select
        className="rate"
        disabled={status === null}
        aria-label={t('playback.rate')}
        value={recording.rate}
        onChange={(event) => recording.setRate(Number(event.target.value))}
      >
        {rates.map((rate) => (
          <option key={rate} value={rate}>
            {t('playback.rate_value', { value: formats.number(rate) })}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Chooses a day: the one before, the one after, or from a calendar. */
export function DayGroup(props: Pick<TransportBarProps, 'day' | 'today' | 'streamId' | 'onDay' | 'bounds'>) {
  const { day, today, streamId, onDay, bounds } = props;
  const { t, formats } = useWords();
  const [open, setOpen] = useState(false);
  const isToday = dayText(day) === dayText(today);
  const middle = (bounds.startMs + bounds.endMs) / 2;
  return (
    <div className="transport-group">
      <IconButton icon="back" label={t('timeline.day_before')} onClick={() => onDay(addDays(day, -1))} />
      <Button tone="quiet" icon="calendar" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        {isToday ? t('timeline.today') : formats.date(middle)}
      </Button>
      <IconButton
        icon="forward"
        label={t('timeline.day_after')}
        disabled={isToday}
        onClick={() => onDay(addDays(day, 1))}
      />
      {open ? (
        <Dialog title={t('calendar.title')} onClose={() => setOpen(false)}>
          <Calendar
            streamId={streamId}
            day={day}
            today={today}
            onPick={(picked) => {
              onDay(picked);
              setOpen(false);
            }}
          />
        </Dialog>
      ) : null}
    </div>
  );
}

function ZoomGroup({ view, bounds, anchorMs, onView }: TransportBarProps) {
  const { t, formats } = useWords();
  const middle = (view.startMs + view.endMs) / 2;
  const anchor = anchorMs >= view.startMs && anchorMs <= view.endMs ? anchorMs : middle;
  const zoom = (factor: number) => onView(zoomView(view, bounds, { factor, anchorMs: anchor }));
  const whole = view.endMs - view.startMs >= bounds.endMs - bounds.startMs;
  return (
    <div className="transport-group">
      <IconButton icon="zoomOut" label={t('timeline.zoom_out')} disabled={whole} onClick={() => zoom(0.5)} />
      <button
        type="button"
        className="zoom-length"
        title={t('timeline.whole_day')}
        onClick={() => onView(clampView(bounds, bounds))}
      >
        {formats.duration(view.endMs - view.startMs)}
      </button>
      <IconButton icon="zoomIn" label={t('timeline.zoom_in')} onClick={() => zoom(2)} />
    </div>
  );
}
