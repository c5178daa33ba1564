import { type RefObject, useEffect, useState } from 'react';
import { apiUrl } from '../api/client.ts';
import { FailureNotice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import type { RecordedStatus } from '../player/recorded-player.ts';

/** The picture of recordings, hidden while live is shown, and what has to be said about it. */
export function RecordedVideo(props: {
  streamId: string;
  video: RefObject<HTMLVideoElement | null>;
  status: RecordedStatus | null;
  muted: boolean;
  title: string;
}) {
  const { t, formats } = useWords();
  const { status } = props;
  const skipped = useForAWhile(status?.skipped ?? null, 5000);
  return (
    <div
      className="player"
      hidden={status === null}
      data-recorded={status?.phase ?? 'idle'}
      data-position-ms={status === null ? '' : Math.round(status.positionMs)}
    >
      <video ref={props.video} muted={props.muted} playsInline aria-label={props.title} tabIndex={-1} />
      {status?.phase === 'loading' ? (
        <div className="player-wait">
          <span className="spinner" role="status" aria-label={t('state.loading')} />
        </div>
      ) : null}
      {status?.phase === 'failed' ? (
        <div className="player-cover">
          <FailureNotice error={status.error} />
        </div>
      ) : null}
      {status?.phase === 'unsupported' ? <Moment streamId={props.streamId} atMs={status.positionMs} /> : null}
      {skipped ? (
        <div className="player-strip" role="status">
          {t('playback.skipped', {
            length: formats.duration(skipped.endMs - skipped.startMs),
            time: formats.time(skipped.endMs),
          })}
        </div>
      ) : null}
      {status ? (
        <time className="player-clock" dateTime={new Date(status.positionMs).toISOString()}>
          {formats.dateTime(status.positionMs)}
        </time>
      ) : null}
    </div>
  );
}

/** What cannot be played is shown as one picture, that of the moment that was chosen; in words where there is none. */
function Moment({ streamId, atMs }: { streamId: string; atMs: number }) {
  const { t } = useWords();
  const source = apiUrl(`/recordings/${streamId}/snapshot`, { time: Math.round(atMs) });
  const [failed, setFailed] = useState<string | null>(null);
  if (failed === source)
    return (
      <div className="player-cover">
        <strong>{t('playback.unsupported')}</strong>
        <p>{t('player.unsupported_hint')}</p>
      </div>
    );
  return (
    <>
      <img className="player-pictures" src={source} alt="" onError={() => setFailed(source)} />
      <div className="player-strip">{t('playback.one_picture')}</div>
    </>
  );
}

function useForAWhile<T>(value: T | null, forMs: number): T | null {
  const [shown, setShown] = useState<T | null>(null);
  useEffect(() => {
    if (value === null) {
      setShown(null);
      return;
    }
    setShown(value);
    const timer = setTimeout(() => setShown(null), forMs);
    return () => clearTimeout(timer);
  }, [value, forMs]);
  return shown;
}
