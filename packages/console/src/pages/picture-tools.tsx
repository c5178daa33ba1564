import { IconButton } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { useWords } from '../i18n/language.ts';
import { Latency } from './live-tile.tsx';
import type { SnapshotLink } from './snapshot-link.ts';

/** Sound, full screen and delay, on the picture. */
export function PictureTools(props: {
  latencyMs: number | null;
  /** Null where there is no picture to take. */
  snapshot: SnapshotLink | null;
  muted: boolean;
  onMuted: (muted: boolean) => void;
  onFullscreen: () => void;
}) {
  const { t } = useWords();
  return (
    <div className="picture-tools">
      <Latency ms={props.latencyMs} />
      <IconButton
        icon={props.muted ? 'soundOff' : 'soundOn'}
        label={t(props.muted ? 'player.unmute' : 'player.mute')}
        onClick={() => props.onMuted(!props.muted)}
      />
      {props.snapshot ? (
        <a
          className="icon-button"
          href={props.snapshot.href}
          download={props.snapshot.name}
          aria-label={t('player.snapshot')}
          title={t('player.snapshot')}
        >
          <Icon name="camera" />
        </a>
      ) : null}
      <IconButton icon="fullscreen" label={t('player.fullscreen')} onClick={props.onFullscreen} />
    </div>
  );
}
