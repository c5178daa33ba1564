import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { apiUrl, request } from './client.ts';
import { reportReach } from './reach.ts';
import type { EventRecord } from './types.ts';

/** Browsers give a stream up that is answered by an error, as a proxy does while the server starts. */
const reopenDelayMs = 3000;
/** A tab out of sight lets go of its connection: a browser has six of them for all tabs of a server. */
const hiddenMs = 10_000;

type Listener = (event: EventRecord) => void;
const listeners = new Set<Listener>();

/** Calls back for each event as it happens, while the console is open. Returns the function that stops it. */
export function onLiveEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Keeps one connection for events of the whole console; streams are asked for anew when one of theirs happens. */
export function useLiveEvents(): void {
  const client = useQueryClient();
  useEffect(() => {
    let source: EventSource | undefined;
    let hide: ReturnType<typeof setTimeout> | undefined;
    let last: number | undefined;
    let reopen: ReturnType<typeof setTimeout> | undefined;
    let refresh: ReturnType<typeof setTimeout> | undefined;
    const receive = (message: MessageEvent<string>) => {
      const event = parseEvent(message.data);
      if (!event) return;
      last = event.id;
      for (const listener of listeners) listener(event);
      if (event.stream_id === null) return;
      clearTimeout(refresh);
      refresh = setTimeout(() => void client.invalidateQueries({ queryKey: ['streams'] }), 200);
    };
    const close = () => {
      clearTimeout(reopen);
      source?.close();
      source = undefined;
    };
    const open = () => {
      close();
      const opened = new EventSource(apiUrl('/events', { after: last }), { withCredentials: true });
      source = opened;
      opened.addEventListener('open', () => reportReach(true));
      opened.addEventListener('message', receive);
      opened.addEventListener('event', receive);
      opened.addEventListener('error', () => {
        if (opened.readyState !== EventSource.CLOSED) return;
        reopen = setTimeout(open, reopenDelayMs);
        // It does not say why; where the session has ended, the answer to any question does.
        request('GET', '/streams', { query: { limit: 1 } }).catch(() => undefined);
      });
    };
    const look = () => {
      clearTimeout(hide);
      if (document.hidden) hide = setTimeout(close, hiddenMs);
      else if (source === undefined) open();
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      clearTimeout(refresh);
      clearTimeout(hide);
      close();
    };
  }, [client]);
}

function parseEvent(text: string): EventRecord | null {
  try {
    const event = JSON.parse(text) as EventRecord;
    return typeof event.id === 'number' && typeof event.message === 'string' ? event : null;
  } catch {
    return null;
  }
}
