import { useState } from 'react';
import { useRecordedDays } from '../api/queries.ts';
import { IconButton } from '../components/button.tsx';
import { useWords } from '../i18n/language.ts';
import { weeksOf } from './weeks.ts';
import { addDays, type CalendarDay, dayText } from './zone.ts';

/** A month to choose a day from; days with recordings are marked. */
export function Calendar(props: {
  streamId: string;
  day: CalendarDay;
  today: CalendarDay;
  onPick: (day: CalendarDay) => void;
}) {
  const { t, language, timeZone, formats } = useWords();
  const [month, setMonth] = useState({ year: props.day.year, month: props.day.month });
  const weeks = weeksOf(month.year, month.month);
  const from = dayText({ ...month, day: 1 });
  const next = addDays({ ...month, day: 28 }, 7);
  const to = dayText(addDays({ year: next.year, month: next.month, day: 1 }, -1));
  const recorded = useRecordedDays(props.streamId, { from, to, tz: timeZone }, true);
  const lengths = new Map(recorded.data?.days.map((entry) => [entry.day, entry.recorded_seconds]));
  const name = new Intl.DateTimeFormat(language, { month: 'long', year: 'numeric', timeZone: 'UTC' });
  const weekday = new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' });
  const turn = (by: number) => {
    const moved = new Date(Date.UTC(month.year, month.month - 1 + by, 1));
    setMonth({ year: moved.getUTCFullYear(), month: moved.getUTCMonth() + 1 });
  };
  return (
    <div className="calendar">
      <header>
        <IconButton icon="back" label={t('calendar.before')} onClick={() => turn(-1)} />
        <strong>{name.format(Date.UTC(month.year, month.month - 1, 1))}</strong>
        <IconButton icon="forward" label={t('calendar.after')} onClick={() => turn(1)} />
      </header>
      <div className="calendar-days">
        {weeks[0]?.map((day) => (
          <span key={day.day} className="calendar-weekday">
            {weekday.format(Date.UTC(day.year, day.month - 1, day.day))}
          </span>
        ))}
        {weeks.flat().map((day) => {
          const text = dayText(day);
          const seconds = lengths.get(text) ?? 0;
          const future = text > dayText(props.today);
          return (
            <button
              key={text}
              type="button"
              className={seconds > 0 ? 'calendar-day calendar-recorded' : 'calendar-day'}
              data-day={text}
              data-other={day.month === month.month ? undefined : ''}
              disabled={future}
              aria-pressed={text === dayText(props.day)}
              aria-label={
                seconds > 0 ? t('calendar.recorded', { day: text, length: formats.duration(seconds * 1000) }) : text
              }
              title={seconds > 0 ? formats.duration(seconds * 1000) : undefined}
              onClick={() => props.onPick(day)}
            >
              {day.day}
            </button>
          );
        })}
      </div>
    </div>
  );
}
