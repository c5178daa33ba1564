import { type RefObject, useCallback, useEffect, useRef, useState } from 'react';
import { ApiProblem } from '../api/problem.ts';
import { onServerBack } from '../api/reach.ts';
import { RecordedPlayer, type RecordedStatus } from '../player/recorded-player.ts';

/** Playback of recordings, as a page uses it. */
export interface RecordingControl {
  /** Null while live is shown. */
  readonly status: RecordedStatus | null;
  readonly rate: number;
  play(atMs: number): void;
  live(): void;
  setRate(rate: number): void;
  setPaused(paused: boolean): void;
}

/** Plays recordings of a stream in a video element; `live` ends it. At the end of what is recorded, live comes back. */
export function useRecording(video: RefObject<HTMLVideoElement | null>, streamId: string): RecordingControl {
  const player = useRef<RecordedPlayer | null>(null);
  const [status, setStatus] = useState<RecordedStatus | null>(null);
  const [rate, setRate] = useState(1);
  const rateNow = useRef(1);
  const live = useCallback(() => {
    player.current?.close();
    player.current = null;
    setStatus(null);
  }, []);
  const play = useCallback(
    (atMs: number) => {
      const element = video.current;
      if (!element) return;
      player.current ??= new RecordedPlayer({ video: element, streamId, onStatus: setStatus });
      player.current.setRate(rateNow.current);
      void player.current.open(atMs);
    },
    [video, streamId],
  );
  useEffect(() => live, [live]);
  const latest = useRef(status);
  latest.current = status;
  useEffect(
    () =>
      onServerBack(() => {
        const { phase, error, positionMs } = latest.current ?? {};
        const wasAway = phase === 'failed' && error instanceof ApiProblem && error.status === 0;
        if (wasAway && positionMs !== undefined) play(positionMs);
      }),
    [play],
  );
  const changeRate = useCallback((next: number) => {
    rateNow.current = next;
    setRate(next);
    player.current?.setRate(next);
  }, []);
  const setPaused = useCallback((paused: boolean) => player.current?.setPaused(paused), []);
  return { status, rate, play, live, setRate: changeRate, setPaused };
}
