import { useWords } from '../i18n/language.ts';
import type { GapStretch } from '../timeline/read-timeline.ts';
import { gapText } from '../timeline/timeline.tsx';

/** The gaps of a day in words, for those who cannot point at them. */
export function GapList({
  gaps,
  nowMs,
  onPick,
}: {
  gaps: readonly GapStretch[];
  nowMs: number;
  onPick: (ms: number) => void;
}) {
  const words = useWords();
  const { t, formats } = words;
  if (gaps.length === 0) return null;
  return (
    <details className="gap-list">
      <summary>{t('timeline.gaps', { count: gaps.length })}</summary>
      <ul>
        {gaps.map((stretch) => (
          <li key={stretch.startMs}>
            <button type="button" onClick={() => onPick(stretch.startMs)}>
              <span className="gap-time">
                {formats.time(stretch.startMs)} –{' '}
                {stretch.gap.end === null ? t('timeline.until_now') : formats.time(stretch.endMs)}
              </span>
              <span className="gap-length">
                {formats.duration((stretch.gap.end === null ? nowMs : stretch.endMs) - stretch.startMs)}
              </span>
              <span className="gap-reason">{gapText(words, stretch.gap)}</span>
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
