import { useEffect, useState } from 'react';
import { apiUrl } from '../api/client.ts';
import { thumbnailTime } from './marks.ts';

/** A pointer that rests so long asks for a picture. */
const restMs = 140;

/** The recorded picture at an instant, small; nothing while there is none. The browser keeps what it has seen. */
export function Thumbnail({ streamId, ms, viewMs }: { streamId: string; ms: number; viewMs: number }) {
  const wanted = apiUrl(`/recordings/${streamId}/snapshot`, { time: thumbnailTime(ms, viewMs), width: 192 });
  const [asked, setAsked] = useState<string | null>(null);
  const [shown, setShown] = useState<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(wanted), restMs);
    return () => clearTimeout(timer);
  }, [wanted]);
  if (asked === null) return null;
  return (
    <img
      className="timeline-thumbnail"
      alt=""
      src={asked}
      hidden={shown === null}
      onLoad={() => setShown(asked)}
      onError={() => setShown(null)}
    />
  );
}
