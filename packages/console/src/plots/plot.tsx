import { type PointerEvent, type ReactNode, useRef } from 'react';
import { useWords } from '../i18n/language.ts';
import { breakMs } from './stats-history.ts';

/** One line of a plot. */
export interface PlotLine {
  readonly name: string;
  /** Null: nothing is known. */
  readonly values: readonly (number | null)[];
}

/** What a plot shows: lines over the same instants, drawn upon each other where there are several. */
export interface PlotProps {
  readonly title: string;
  readonly atMs: readonly number[];
  readonly lines: readonly PlotLine[];
  readonly range: { readonly startMs: number; readonly endMs: number };
  /** Value at the upper edge; the lower one is 0. */
  readonly top: number;
  readonly tone?: 'bad';
  /** Instants that get a mark. */
  readonly marks?: readonly number[];
  /** What the pointer is over, in any of the plots. */
  readonly hoverMs: number | null;
  readonly children?: ReactNode;
  onHover(ms: number | null): void;
  format(value: number): string;
}

const tall = 100;
const wide = 1000;

/** A small plot of the last minutes, with its newest value, or the one under the pointer. */
export function Plot(props: PlotProps) {
  const { formats } = useWords();
  const { atMs, range, top, hoverMs } = props;
  const box = useRef<HTMLDivElement>(null);
  const x = (ms: number) => ((ms - range.startMs) / (range.endMs - range.startMs)) * wide;
  const index = hoverMs === null ? atMs.length - 1 : nearest(atMs, hoverMs);
  const point = (event: PointerEvent) => {
    const area = box.current?.getBoundingClientRect();
    if (area && area.width > 0)
      props.onHover(range.startMs + ((event.clientX - area.left) / area.width) * (range.endMs - range.startMs));
  };
  const stacks = stacked(props.lines);
  return (
    <figure className="plot" data-tone={props.tone}>
      <figcaption>
        <span>{props.title}</span>
        {hoverMs === null || index < 0 ? null : <time>{formats.time(atMs[index] ?? 0)}</time>}
        <PlotValue {...props} index={index} />
      </figcaption>
      <div className="plot-area" ref={box} onPointerMove={point} onPointerLeave={() => props.onHover(null)}>
        <span className="plot-top">{props.format(top)}</span>
        <svg viewBox={`0 0 ${wide} ${tall}`} preserveAspectRatio="none" aria-hidden="true">
          <path className="plot-rule" d={`M0 0H${wide}M0 ${tall / 2}H${wide}M0 ${tall}H${wide}`} />
          {stacks.map((values, place) => {
            const line = linePath(values, { atMs, x, top });
            return (
              <g key={props.lines[place]?.name} data-line={place % 6}>
                <path className="plot-fill" d={line.area} />
                <path className="plot-line" d={line.stroke} />
              </g>
            );
          })}
          {props.marks?.map((ms) => (
            <path key={ms} className="plot-mark" d={`M${x(ms)} 0V${tall}`} />
          ))}
          {hoverMs === null || index < 0 ? null : (
            <path className="plot-hover" d={`M${x(atMs[index] ?? 0)} 0V${tall}`} />
          )}
        </svg>
      </div>
      {props.children}
    </figure>
  );
}

function PlotValue({ lines, index, format }: PlotProps & { index: number }) {
  if (lines.length === 1) {
    const value = lines[0]?.values[index] ?? null;
    return <strong>{value === null ? '–' : format(value)}</strong>;
  }
  return <strong>{format(lines.reduce((sum, line) => sum + (line.values[index] ?? 0), 0))}</strong>;
}

/** Place of the instant that is nearest; −1 where there is none. */
function nearest(atMs: readonly number[], wanted: number): number {
  let found = -1;
  for (const [index, ms] of atMs.entries())
    if (found < 0 || Math.abs(ms - wanted) < Math.abs((atMs[found] ?? 0) - wanted)) found = index;
  return found;
}

/** Each line on top of those before; the last first, so that the first is drawn over it. */
function stacked(lines: readonly PlotLine[]): (number | null)[][] {
  const sums: (number | null)[][] = [];
  for (const { values } of lines) {
    const below = sums.at(-1);
    sums.push(values.map((value, index) => (value === null ? null : value + (below?.[index] ?? 0))));
  }
  return sums;
}

/** Joined where samples follow each other, broken where nobody asked. */
function linePath(
  values: readonly (number | null)[],
  scale: { readonly atMs: readonly number[]; readonly top: number; x(ms: number): number },
): { stroke: string; area: string } {
  const runs: [number, number][][] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const [index, value] of values.entries()) {
    const ms = scale.atMs[index] ?? 0;
    if (value === null) {
      lastMs = Number.NEGATIVE_INFINITY;
      continue;
    }
    if (ms - lastMs > breakMs) runs.push([]);
    runs.at(-1)?.push([scale.x(ms), tall - Math.min(1, value / scale.top) * tall]);
    lastMs = ms;
  }
  const strokes = runs.map((run) => run.map(([x, y], index) => `${index ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`));
  return {
    stroke: strokes.map((parts) => parts.join('')).join(''),
    area: runs
      .map(
        (run, index) =>
          `${strokes[index]?.join('')}L${run.at(-1)?.[0].toFixed(1)} ${tall}L${run[0]?.[0].toFixed(1)} ${tall}Z`,
      )
      .join(''),
  };
}
