import { useEffect, useRef, useState } from 'react';
import type { Stream } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Notice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { Talk, type TalkPhase } from '../player/talk.ts';

const words = ['talk.start', 'talk.calling', 'talk.stop'] as const;

/** Speaks through a camera until it is pressed again. It is as wide as its longest word: what is beside it stays in place. */
export function TalkButton({ stream }: { stream: Stream }) {
  const { t } = useWords();
  const talk = useRef<Talk | null>(null);
  const [phase, setPhase] = useState<TalkPhase>('ended');
  useEffect(() => () => talk.current?.close(), []);
  const busy = phase === 'calling' || phase === 'talking';
  const shown = phase === 'calling' ? 'talk.calling' : phase === 'talking' ? 'talk.stop' : 'talk.start';
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
        disabled={!busy && stream.state !== 'online'}
        onClick={press}
      >
        <span className="one-of">
          {words.map((word) => (
            <span key={word} className={word === shown ? undefined : 'unseen'}>
              {t(word)}
            </span>
          ))}
        </span>
      </Button>
      {busy || phase === 'ended' ? null : <Notice tone="warning">{t(`talk.${phase}`)}</Notice>}
    </>
  );
}
