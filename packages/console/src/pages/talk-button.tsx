import { useEffect, useRef, useState } from 'react';
import type { Stream } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Notice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { Talk, type TalkPhase } from '../player/talk.ts';

/** Speaks through a camera until it is pressed again. Browsers give the microphone to pages with TLS (and localhost) only. */
export function TalkButton({ stream }: { stream: Stream }) {
  const { t } = useWords();
  const talk = useRef<Talk | null>(null);
  const [phase, setPhase] = useState<TalkPhase>('ended');
  useEffect(() => () => talk.current?.close(), []);
  const busy = phase === 'calling' || phase === 'talking';
  const press = () => {
    if (busy) talk.current?.close();
    else talk.current = new Talk(stream.stream_id, setPhase);
  };
  return (
    <>
      <Button
        icon="microphone"
        tone={phase === 'talking' ? 'primary' : 'plain'}
        aria-pressed={busy}
        disabled={!isSecureContext || stream.state !== 'online'}
        title={isSecureContext ? undefined : t('talk.needs_tls')}
        onClick={press}
      >
        {t(phase === 'calling' ? 'talk.calling' : phase === 'talking' ? 'talk.stop' : 'talk.start')}
      </Button>
      {phase === 'failed' || phase === 'no_microphone' ? <Notice tone="warning">{t(`talk.${phase}`)}</Notice> : null}
    </>
  );
}
