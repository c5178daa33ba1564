import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react';
import { useWords } from '../i18n/language.ts';
import { type Area, dayMinutes, type Mode, paint, runsOf, timeText, type Week, weekDays } from './week.ts';

/** What is painted at once: half an hour. */
const slotMinutes = 30;

interface Cell {
  readonly day: number;
  readonly minute: number;
}

/** A week to paint on, with the pointer, or with the arrow keys and Space. Without `onChange` it is only shown. */
export function WeekGrid({
  week,
  brush = 'off',
  onChange,
}: {
  week: Week;
  brush?: Mode;
  onChange?: (week: Week) => void;
}) {
  const { t } = useWords();
  const names = useDayNames();
  const rows = useRef<HTMLDivElement>(null);
  const [start, setStart] = useState<Cell | null>(null);
  const [end, setEnd] = useState<Cell | null>(null);
  const [cursor, setCursor] = useState<Cell>({ day: 0, minute: 8 * 60 });
  const shown = start && end ? paint(week, areaOf(start, end), brush) : week;
  const at = (event: PointerEvent) => cellAt(rows.current, event);
  const finish = () => {
    if (start && end) onChange?.(shown);
    setStart(null);
    setEnd(null);
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === ' ' || event.key === 'Enter') onChange?.(paint(week, areaOf(cursor, cursor), brush));
    else if (moves[event.key]) setCursor(moved(cursor, moves[event.key] ?? [0, 0]));
    else return;
    event.preventDefault();
  };
  const editing =
    onChange === undefined
      ? {}
      : {
          role: 'application',
          tabIndex: 0,
          'aria-label': t('schedule.grid'),
          'aria-description': t('schedule.grid_hint'),
          onKeyDown: pressed,
          onPointerDown: (event: PointerEvent<HTMLDivElement>) => {
            if (event.button !== 0) return;
            event.currentTarget.setPointerCapture(event.pointerId);
            const cell = at(event);
            setStart(cell);
            setEnd(cell);
          },
          onPointerMove: (event: PointerEvent) => {
            if (start) setEnd(at(event));
          },
          onPointerUp: finish,
          onPointerCancel: () => setStart(null),
        };
  return (
    <div className="week" data-editable={onChange ? '' : undefined}>
      <div className="week-hours" aria-hidden="true">
        {[0, 6, 12, 18, 24].map((hour) => (
          <span key={hour} style={{ left: `${(hour / 24) * 100}%` }}>
            {hour}
          </span>
        ))}
      </div>
      <div className="week-names" aria-hidden="true">
        {names.map((name) => (
          <span key={name}>{name}</span>
        ))}
      </div>
      <div className="week-rows" ref={rows} {...editing}>
        {weekDays.map((name, day) => (
          <div key={name} className="week-row">
            {runsOf(shown, day).map((run) => (
              <span
                key={run.from}
                data-mode={run.mode}
                title={`${names[day]} ${timeText(run.from)}–${timeText(run.to)}, ${t(`schedule.${run.mode}`)}`}
                style={{ left: percent(run.from), width: percent(run.to - run.from) }}
              />
            ))}
            {onChange && cursor.day === day ? (
              <i className="week-cursor" style={{ left: percent(cursor.minute), width: percent(slotMinutes) }} />
            ) : null}
          </div>
        ))}
      </div>
      {onChange ? (
        <p className="hidden" role="status">
          {names[cursor.day]} {timeText(cursor.minute)},{' '}
          {t(`schedule.${week[cursor.day * dayMinutes + cursor.minute] ?? 'off'}`)}
        </p>
      ) : null}
    </div>
  );
}

/** Short names of the days, Monday first. */
export function useDayNames(): string[] {
  const { language } = useWords();
  const format = new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' });
  // 5 January 1970 was a Monday.
  return weekDays.map((_, day) => format.format((4 + day) * 86_400_000));
}

const moves: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [0, -slotMinutes],
  ArrowRight: [0, slotMinutes],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

function moved({ day, minute }: Cell, [days, minutes]: readonly [number, number]): Cell {
  return {
    day: Math.min(Math.max(day + days, 0), 6),
    minute: Math.min(Math.max(minute + minutes, 0), dayMinutes - slotMinutes),
  };
}

function areaOf(a: Cell, b: Cell): Area {
  return {
    days: [a.day, b.day],
    from: Math.min(a.minute, b.minute),
    to: Math.max(a.minute, b.minute) + slotMinutes,
  };
}

function cellAt(rows: HTMLElement | null, event: PointerEvent): Cell {
  const box = rows?.getBoundingClientRect();
  if (!box || box.width === 0) return { day: 0, minute: 0 };
  const minute = Math.floor((((event.clientX - box.left) / box.width) * dayMinutes) / slotMinutes) * slotMinutes;
  const day = Math.floor(((event.clientY - box.top) / box.height) * 7);
  return moved({ day, minute }, [0, 0]);
}

function percent(minutes: number): string {
  return `${(minutes / dayMinutes) * 100}%`;
}
