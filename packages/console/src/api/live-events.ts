import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { request } from './client.ts';
import { type EventWay, openEvents } from './event-connection.ts';
import { reportReach } from './reach.ts';
import type { EventRecord } from './types.ts';

const reopenDelayMs = 3000;
/** A tab out of sight lets go of its connection: nobody looks at what it would show. */
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
    let disconnect: (() => void) | undefined;
    let way: EventWay = 'socket';
    let hide: ReturnType<typeof setTimeout> | undefined;
    let last: number | undefined;
    let reopen: ReturnType<typeof setTimeout> | undefined;
    let refresh: ReturnType<typeof setTimeout> | undefined;
    const receive = (text: string) => {
      const event = parseEvent(text);
      if (!event) return;
      last = event.id;
      for (const listener of listeners) listener(event);
      if (event.stream_id === null) return;
      clearTimeout(refresh);
      refresh = setTimeout(() => void client.invalidateQueries({ queryKey: ['streams'] }), 200);
    };
    const close = () => {
      clearTimeout(reopen);
      disconnect?.();
      disconnect = undefined;
    };
    const open = () => {
      close();
      const tried = way;
      way = 'socket';
      disconnect = openEvents(tried, last, { onOpen: () => reportReach(true), onText: receive, onEnd: ended });
      function ended(wasOpen: boolean): void {
        reopen = setTimeout(open, reopenDelayMs);
        // It does not say why; where the session has ended, the answer to any question does. Where there is an answer, but
        // no WebSocket, a proxy lets none through.
        request('GET', '/streams', { query: { limit: 1 } }).then(
          () => {
            if (tried === 'socket' && !wasOpen) way = 'stream';
          },
          () => undefined,
        );
      }
    };
    const look = () => {
      clearTimeout(hide);
      if (document.hidden) hide = setTimeout(close, hiddenMs);
      else if (disconnect === undefined) open();
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
