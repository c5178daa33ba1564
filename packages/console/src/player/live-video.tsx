import { type RefObject, useEffect, useRef, useState } from 'react';
import type { Stream } from '../api/types.ts';
import { OfflineReason, RetryCountdown } from '../components/state-badge.tsx';
import { reasonText } from '../i18n/failure-text.ts';
import { useWords } from '../i18n/language.ts';
import { useSignedIn } from '../session.tsx';
import { browserSupports, chooseQuality, codecLabel, goesThroughVideo, type QualityChoice } from './codec-support.ts';
import { LivePictures } from './live-pictures.tsx';
import { LivePlayer, type LiveStatus } from './live-player.ts';
import { liveAddress } from './live-socket.ts';
import { useActive } from './use-active.ts';

/** What a live picture needs to know. */
export interface LiveVideoProps {
  readonly stream: Stream;
  readonly sub: Stream | undefined;
  readonly wanted: 'main' | 'sub';
  readonly muted: boolean;
  /** Told whenever the player's state changes. */
  onStatus?(status: LiveStatus | null, choice: QualityChoice): void;
}

/** A live picture with everything that has to be said about it. It runs only while it is on the screen. */
export function LiveVideo({ stream, sub, wanted, muted, onStatus }: LiveVideoProps) {
  const frame = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const active = useActive(frame);
  const choice = chooseQuality(stream, sub, { wanted, supports: browserSupports });
  const { streamId, quality, undecodable, pictures } = choice;
  const chosen = sub?.stream_id === streamId ? sub : stream;
  const runs = active && stream.state !== 'stopped';
  const isVideo = goesThroughVideo(chosen, pictures, browserSupports);
  const status = useLivePlayer(video, runs && isVideo ? streamId : null);
  const [picturesShown, setPicturesShown] = useState<boolean | null>(null);
  useEffect(() => {
    onStatus?.(status, { streamId, quality, undecodable, pictures });
  }, [onStatus, status, streamId, quality, undecodable, pictures]);
  return (
    <div
      ref={frame}
      className="player"
      data-stream={stream.stream_id}
      data-playing={choice.streamId}
      data-quality={choice.quality}
      data-pictures={pictures ?? undefined}
      data-phase={status?.phase ?? 'idle'}
      data-latency-ms={status?.latencyMs ?? ''}
      data-state={stream.state}
    >
      <video
        ref={video}
        muted={muted}
        autoPlay
        playsInline
        disablePictureInPicture
        tabIndex={-1}
        aria-label={stream.title}
      />
      {pictures !== null && runs && chosen.state !== 'offline' ? (
        <LivePictures
          key={`${streamId} ${pictures}`}
          streamId={streamId}
          kind={pictures}
          title={stream.title}
          since={chosen.since}
          onShown={setPicturesShown}
        />
      ) : null}
      <LiveOverlay
        {...{ stream, status, choice }}
        image={pictures !== null ? picturesShown : isVideo ? undefined : false}
      />
    </div>
  );
}

function useLivePlayer(video: RefObject<HTMLVideoElement | null>, streamId: string | null): LiveStatus | null {
  const { clockOffsetMs } = useSignedIn();
  const offset = useRef(clockOffsetMs);
  offset.current = clockOffsetMs;
  const [status, setStatus] = useState<LiveStatus | null>(null);
  useEffect(() => {
    const element = video.current;
    if (!element || streamId === null) return;
    const player = new LivePlayer({
      video: element,
      url: liveAddress(streamId),
      clockOffsetMs: offset.current,
      onStatus: setStatus,
    });
    return () => {
      keepLastPicture(element);
      player.close();
      setStatus(null);
    };
  }, [video, streamId]);
  return status;
}

/** Leaves the last picture as the poster, so that nothing turns black while a player is changed or paused. */
function keepLastPicture(video: HTMLVideoElement): void {
  if (video.videoWidth === 0 || video.readyState < 2) return;
  const canvas = document.createElement('canvas');
  canvas.width = 640;
  canvas.height = Math.round((640 * video.videoHeight) / video.videoWidth);
  canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height);
  try {
    video.poster = canvas.toDataURL('image/jpeg', 0.7);
  } catch {
    // Pictures that a browser guards (HDCP) cannot be kept.
  }
}

interface OverlayProps {
  readonly stream: Stream;
  readonly status: LiveStatus | null;
  readonly choice: QualityChoice;
  /** Of what is not shown as video: whether its pictures are there. Null while nobody knows. */
  readonly image: boolean | null | undefined;
}

function LiveOverlay({ stream, status, choice, image }: OverlayProps) {
  const words = useWords();
  const { t } = words;
  if (stream.state === 'stopped') return <div className="player-cover">{t('player.stopped')}</div>;
  if (stream.state === 'offline' || status?.phase === 'offline') {
    return (
      <div className="player-cover">
        {stream.reason ? null : (
          <strong>{t(stream.awaits_publisher ? 'stream.state.awaits_publisher' : 'player.waiting')}</strong>
        )}
        <OfflineReason stream={stream} />
      </div>
    );
  }
  if (image === true) return null;
  if (image === false || status?.phase === 'unsupported') {
    const codec = codecLabel(
      choice.undecodable ?? (status?.mime?.includes('hvc1') || status?.mime?.includes('hev1') ? 'h265' : ''),
    );
    return (
      <div className="player-cover">
        <strong>{t('player.unsupported', { codec })}</strong>
        <p>{t('player.unsupported_hint')}</p>
      </div>
    );
  }
  if (image === undefined && status?.phase === 'failed' && status.reason) {
    const text = reasonText(words, status.reason);
    return (
      <div className="player-cover">
        <strong>{text.headline}</strong>
        <p>{text.detail}</p>
      </div>
    );
  }
  if (image === undefined && status?.phase === 'reconnecting' && status.retryAtMs !== null) {
    return (
      <div className="player-strip" role="status">
        {t('player.reconnecting')} <RetryCountdown atMs={status.retryAtMs} />
      </div>
    );
  }
  if (status?.phase === 'stalled') return <div className="player-strip">{t('player.stalled')}</div>;
  if (status?.shown && image === undefined) return null;
  return (
    <div className="player-wait">
      <span className="spinner" role="status" aria-label={t('player.connecting')} />
    </div>
  );
}
