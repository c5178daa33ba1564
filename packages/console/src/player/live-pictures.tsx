import { useEffect, useRef, useState } from 'react';
import { apiUrl } from '../api/client.ts';
import { onServerBack } from '../api/reach.ts';
import { useWords } from '../i18n/language.ts';
import type { PicturesChoice } from './codec-support.ts';

/** From one picture of a small tile to the next: each is a request of its own. */
const stillEveryMs = 1000;
const retryMs = 5000;

/** What pictures of a camera need to know. */
export interface LivePicturesProps {
  readonly streamId: string;
  readonly kind: Exclude<PicturesChoice, null>;
  readonly title: string;
  /** The camera came online then: pictures begin anew with it. */
  readonly since: string;
  /** Told whether there are any: true with the first one, false where they cannot be had. */
  onShown(shown: boolean): void;
}

/**
 * JPEG pictures in place of a video element. An answer without an end holds one of the six connections that a browser has
 * to a server over HTTP/1.1, so that tiles, of which there are many, ask for one picture after the other instead.
 */
export function LivePictures(props: LivePicturesProps) {
  return props.kind === 'stills' ? <Stills {...props} /> : <Endless {...props} />;
}

function Endless({ streamId, title, since, onShown }: LivePicturesProps) {
  const image = useRef<HTMLImageElement>(null);
  const [attempt, setAttempt] = useState(0);
  const retry = useRef<ReturnType<typeof setTimeout>>(undefined);
  const address = `/mjpeg/${streamId}?from=${encodeURIComponent(since)}&attempt=${attempt}`;
  useEffect(() => {
    const element = image.current;
    if (element) element.src = address;
    // An image that is only taken out of the page goes on receiving.
    return () => {
      clearTimeout(retry.current);
      if (element) element.src = '';
    };
  }, [address]);
  useEffect(() => onServerBack(() => setAttempt((known) => known + 1)), []);
  return (
    <img
      ref={image}
      className="player-pictures"
      alt={title}
      onLoad={() => onShown(true)}
      onError={() => {
        if (image.current?.getAttribute('src') === '') return;
        onShown(false);
        clearTimeout(retry.current);
        retry.current = setTimeout(() => setAttempt((known) => known + 1), retryMs);
      }}
    />
  );
}

function Stills({ streamId, title, onShown }: LivePicturesProps) {
  const [shown, setShown] = useState<string | null>(null);
  const { t } = useWords();
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      const blob = await fetchStill(streamId, stop.signal);
      if (stop.signal.aborted) return;
      onShown(blob !== null);
      if (blob !== null) setShown(URL.createObjectURL(blob));
      timer = setTimeout(ask, blob === null ? retryMs : stillEveryMs);
    };
    void ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [streamId, onShown]);
  useEffect(() => () => (shown === null ? undefined : URL.revokeObjectURL(shown)), [shown]);
  if (shown === null) return null;
  return <img className="player-pictures" src={shown} alt={title} title={t('player.stills')} />;
}

/** The newest picture; null where there is none. */
async function fetchStill(streamId: string, signal: AbortSignal): Promise<Blob | null> {
  try {
    const answer = await fetch(apiUrl(`/streams/${streamId}/snapshot`, { mode: 'keyframe' }), { signal });
    return answer.ok ? await answer.blob() : null;
  } catch {
    return null;
  }
}
