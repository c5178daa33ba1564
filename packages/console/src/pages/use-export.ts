import { useCallback, useEffect, useRef, useState } from 'react';
import { request } from '../api/client.ts';
import { ApiProblem } from '../api/problem.ts';
import type { Export } from '../api/types.ts';
import type { Stretch } from '../timeline/geometry.ts';

const askEveryMs = 700;

/** An export as a page uses it. */
export interface ExportControl {
  readonly job: Export | null;
  readonly error: unknown;
  start(range: Stretch): void;
  /** Ends it, or deletes its file. */
  discard(): void;
}

/** Exports a range of a stream and follows the work. What is finished stays on the server for a day. */
export function useExport(streamId: string): ExportControl {
  const [job, setJob] = useState<Export | null>(null);
  const [error, setError] = useState<unknown>(null);
  const isOpen = useRef(true);
  useEffect(() => {
    isOpen.current = true;
    return () => {
      isOpen.current = false;
    };
  }, []);
  useEffect(() => {
    if (job === null || (job.state !== 'queued' && job.state !== 'running')) return;
    const timer = setTimeout(() => {
      request<Export>('GET', `/exports/${job.id}`).then(
        (next) => {
          setError(null);
          setJob((known) => (known?.id === next.id ? next : known));
        },
        (failure) => {
          setError(failure);
          // The work goes on while the server is not reached; it is asked about again.
          const isAway = failure instanceof ApiProblem && failure.status === 0;
          if (isAway) setJob((known) => (known?.id === job.id ? { ...known } : known));
        },
      );
    }, askEveryMs);
    return () => clearTimeout(timer);
  }, [job]);
  const start = useCallback(
    ({ startMs, endMs }: Stretch) => {
      setError(null);
      const body = { start: Math.round(startMs), end: Math.round(endMs) };
      request<Export>('POST', `/recordings/${streamId}/export`, { body }).then(
        (made) => isOpen.current && setJob(made),
        (failure) => isOpen.current && setError(failure),
      );
    },
    [streamId],
  );
  const discard = useCallback(() => {
    if (job !== null) void request('DELETE', `/exports/${job.id}`).catch(() => {});
    setJob(null);
    setError(null);
  }, [job]);
  return { job, error, start, discard };
}
