import type { Stream } from '../api/types.ts';
import { codeText, reasonText } from '../i18n/failure-text.ts';
import { useWords } from '../i18n/language.ts';
import { useSignedIn } from '../session.tsx';
import { useNow } from './use-now.ts';

/** The state of a stream as a coloured word. */
export function StateBadge({ stream }: { stream: Stream }) {
  const { t } = useWords();
  const state = shownState(stream);
  return <span className={`badge badge-${state}`}>{t(`stream.state.${state}`)}</span>;
}

/** The state as people are told it: that nobody sends a stream now is no fault of a camera. */
export function shownState(stream: Pick<Stream, 'state' | 'awaits_publisher'>): Stream['state'] | 'awaits_publisher' {
  return stream.awaits_publisher ? 'awaits_publisher' : stream.state;
}

/** A red dot while a stream is recorded, an amber one while it should be and is not. */
export function RecordingDot({ recording }: { recording: Stream['recording'] }) {
  const { t } = useWords();
  if (recording.state === 'off') return null;
  const label = t(`recording.state.${recording.state}`);
  const reason = recording.reason ? codeText(t, `gap.${recording.reason}`, recording.detail ?? '') : '';
  const title = reason === '' ? label : `${label}: ${reason}`;
  return <span className={`rec rec-${recording.state}`} role="img" aria-label={label} title={title} />;
}

/** Why a stream is not online, and when the next attempt is due. */
export function OfflineReason({ stream }: { stream: Stream }) {
  const words = useWords();
  const { clockOffsetMs } = useSignedIn();
  const text = stream.reason ? reasonText(words, stream.reason) : null;
  return (
    <div className="reason">
      {text ? <p className="reason-headline">{text.headline}</p> : null}
      {text?.detail ? <p className="reason-detail">{text.detail}</p> : null}
      {stream.retry_at ? <RetryCountdown atMs={Date.parse(stream.retry_at) - clockOffsetMs} /> : null}
    </div>
  );
}

/** "Next attempt in 7 s"; `atMs` by the clock of this browser. */
export function RetryCountdown({ atMs }: { atMs: number }) {
  const { t } = useWords();
  const seconds = Math.ceil((atMs - useNow(500)) / 1000);
  return (
    <p className="reason-retry">{seconds > 0 ? t('stream.retry_in', { count: seconds }) : t('stream.retrying')}</p>
  );
}
