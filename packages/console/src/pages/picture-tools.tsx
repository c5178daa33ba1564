import { IconButton } from '../components/button.tsx';
import { useWords } from '../i18n/language.ts';
import { Latency } from './live-tile.tsx';

/** Sound, full screen and delay, on the picture. */
export function PictureTools(props: {
  latencyMs: number | null;
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
      <IconButton icon="fullscreen" label={t('player.fullscreen')} onClick={props.onFullscreen} />
    </div>
  );
}
