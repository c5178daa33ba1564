import { memo, useCallback, useEffect, useState } from 'react';
import type { Stream } from '../api/types.ts';
import { IconButton } from '../components/button.tsx';
import { Link } from '../components/link.tsx';
import { RecordingDot, StateBadge, shownState } from '../components/state-badge.tsx';
import { useWords } from '../i18n/language.ts';
import type { QualityChoice } from '../player/codec-support.ts';
import type { LiveStatus } from '../player/live-player.ts';
import { LiveVideo } from '../player/live-video.tsx';
import { qualityNote } from '../player/quality-note.ts';

/** What a tile needs to know. Callbacks take the stream's id, so that they stay the same for all tiles. */
export interface LiveTileProps {
  readonly stream: Stream;
  readonly sub: Stream | undefined;
  readonly large: boolean;
  /** It was enlarged, and can be shrunk again. */
  readonly enlarged: boolean;
  /** It is the one that Tab reaches. */
  readonly reachable: boolean;
  onOpen(id: string): void;
  onClose(): void;
  onFullscreen(id: string): void;
  onFocus(id: string): void;
}

/** One camera of the live grid. */
export const LiveTile = memo(function LiveTile(props: LiveTileProps) {
  const { stream, sub, large, reachable } = props;
  const { t } = useWords();
  const id = stream.stream_id;
  const [muted, setMuted] = useState(true);
  const fullscreen = useIsFullscreen(id);
  const [report, setReport] = useState<{ status: LiveStatus | null; choice: QualityChoice } | null>(null);
  const receive = useCallback((status: LiveStatus | null, choice: QualityChoice) => setReport({ status, choice }), []);
  // Behind pictures there may be sound, whose delay is not theirs.
  const shown = report?.choice.pictures === null ? report.status : null;
  const note = report && large ? qualityNote(t, report.choice) : null;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid listens for Enter and F itself
    <article
      className={large ? 'tile tile-large' : 'tile'}
      data-stream={id}
      tabIndex={reachable ? 0 : -1}
      aria-label={`${stream.title}, ${t(`stream.state.${shownState(stream)}`)}`}
      onFocus={() => props.onFocus(id)}
      onClick={(event) => {
        const onControl = event.target instanceof Element && event.target.closest('a, button') !== null;
        if (!large && !onControl) props.onOpen(id);
      }}
      onDoubleClick={() => {
        if (large) props.onFullscreen(id);
      }}
    >
      <LiveVideo
        stream={stream}
        sub={sub}
        wanted={large || fullscreen ? 'main' : 'sub'}
        muted={muted}
        onStatus={receive}
      />
      <header className="tile-head">
        <RecordingDot recording={stream.recording} />
        <Link href={`/streams/${id}`} className="tile-title" title={stream.title} tabIndex={large ? 0 : -1}>
          {stream.title}
        </Link>
        {stream.state === 'online' ? null : <StateBadge stream={stream} />}
        <Latency ms={shown?.phase === 'playing' ? shown.latencyMs : null} />
      </header>
      {note === null ? null : <p className="tile-note">{note}</p>}
      <footer className="tile-tools">
        {report?.status?.hasAudio ? (
          <IconButton
            icon={muted ? 'soundOff' : 'soundOn'}
            label={t(muted ? 'player.unmute' : 'player.mute')}
            tabIndex={large ? 0 : -1}
            onClick={() => setMuted(!muted)}
          />
        ) : null}
        <Link
          href={`/streams/${id}`}
          className="icon-button"
          aria-label={t('tile.timeline')}
          title={t('tile.timeline')}
          tabIndex={large ? 0 : -1}
        >
          <TimelineMark />
        </Link>
        <IconButton
          icon="fullscreen"
          label={t('player.fullscreen')}
          tabIndex={large ? 0 : -1}
          onClick={() => props.onFullscreen(id)}
        />
        {props.enlarged ? <IconButton icon="close" label={t('tile.shrink')} onClick={props.onClose} /> : null}
        {large ? null : (
          <IconButton icon="zoomIn" label={t('tile.enlarge')} tabIndex={-1} onClick={() => props.onOpen(id)} />
        )}
      </footer>
    </article>
  );
});

function useIsFullscreen(id: string): boolean {
  const [fullscreen, setFullscreen] = useState(false);
  useEffect(() => {
    const look = () => {
      const element = document.fullscreenElement;
      setFullscreen(element instanceof HTMLElement && element.dataset['stream'] === id);
    };
    document.addEventListener('fullscreenchange', look);
    return () => document.removeEventListener('fullscreenchange', look);
  }, [id]);
  return fullscreen;
}

function TimelineMark() {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M12 3a9 9 0 1 0 9 9M12 7v5l3 2M21 3v5h-5" />
    </svg>
  );
}

/** Delay from lens to screen. */
export function Latency({ ms }: { ms: number | null }) {
  const { t, formats } = useWords();
  if (ms === null) return null;
  const tone = ms < 1500 ? 'good' : ms < 4000 ? 'fair' : 'poor';
  return (
    <span className={`latency latency-${tone}`} title={t('player.latency')}>
      {t('unit.s', { value: formats.number(ms / 1000) })}
    </span>
  );
}
