import { IconButton } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { useWords } from '../i18n/language.ts';
import { Latency } from './live-tile.tsx';

/** Sound, full screen and delay, on the picture. */
export function PictureTools(props: {
  latencyMs: number | null;
  /** Address of the picture as JPEG. */
  snapshot: string;
  /** Name of the file that it becomes. */
  snapshotName: string;
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
      <a
        className="icon-button"
        href={props.snapshot}
        download={props.snapshotName}
        aria-label={t('player.snapshot')}
        title={t('player.snapshot')}
      >
        <Icon name="camera" />
      </a>
      <IconButton icon="fullscreen" label={t('player.fullscreen')} onClick={props.onFullscreen} />
    </div>
  );
}
