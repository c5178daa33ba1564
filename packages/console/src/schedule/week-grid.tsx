import { type FocusEvent, type KeyboardEvent, type PointerEvent, useRef, useState } from 'react';
import { useWords } from '../i18n/language.ts';
import { type Area, dayMinutes, type Mode, paint, runsOf, timeText, type Week, weekDays } from './week.ts';

/** What is painted at once: half an hour. */
const slotMinutes = 30;

interface Cell {
  readonly day: number;
  readonly minute: number;
}

/** From where to where the pointer was drawn. */
interface Stroke {
  readonly start: Cell;
  readonly end: Cell;
}

/**
 * A week to paint on, with the pointer, or with the arrow keys and Space; what is painted is told in words, because a
 * finger covers it. Without `onChange` it is only shown.
 */
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
  const [stroke, setStroke] = useState<Stroke | null>(null);
  const [cursor, setCursor] = useState<Cell>({ day: 0, minute: 8 * 60 });
  const [told, setTold] = useState<Area | null>(null);
  const shown = stroke ? paint(week, areaOf(stroke.start, stroke.end), brush) : week;
  const draw = (event: PointerEvent, start?: Cell) => {
    const end = cellAt(rows.current, event);
    setStroke({ start: start ?? end, end });
    setTold(areaOf(start ?? end, end));
  };
  const pressed = (event: KeyboardEvent) => {
    const move = moves[event.key];
    const next = move ? moved(cursor, move) : cursor;
    if (!move && event.key !== ' ' && event.key !== 'Enter') return;
    if (!move || event.shiftKey) onChange?.(paint(week, areaOf(cursor, next), brush));
    setCursor(next);
    setTold(areaOf(next, next));
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
          onFocus: ({ currentTarget }: FocusEvent) => {
            if (currentTarget.matches(':focus-visible')) setTold(areaOf(cursor, cursor));
          },
          onPointerDown: (event: PointerEvent<HTMLDivElement>) => {
            if (event.button !== 0) return;
            // With a second finger it is a pinch: nothing is painted.
            if (!event.isPrimary) return setStroke(null);
            event.currentTarget.setPointerCapture(event.pointerId);
            draw(event);
          },
          onPointerMove: (event: PointerEvent) => {
            if (stroke && event.isPrimary) draw(event, stroke.start);
          },
          onPointerUp: () => {
            if (stroke) onChange?.(shown);
            setStroke(null);
          },
          onPointerCancel: () => setStroke(null),
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
        <p className="week-told" role="status">
          {told ? `${areaText(told, names)}, ${t(`schedule.${shown[minuteOf(told)] ?? 'off'}`)}` : null}
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

function areaText({ days: [first, last], from, to }: Area, names: readonly string[]): string {
  const days = first === last ? names[first] : `${names[Math.min(first, last)]}–${names[Math.max(first, last)]}`;
  return `${days} ${timeText(from)}–${timeText(to)}`;
}

/** The first minute of the week that is in an area. */
function minuteOf({ days, from }: Area): number {
  return Math.min(...days) * dayMinutes + from;
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
