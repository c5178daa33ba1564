import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { apiUrl } from './client.ts';
import type { EventRecord } from './types.ts';

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
    const source = new EventSource(apiUrl('/events'), { withCredentials: true });
    let refresh: ReturnType<typeof setTimeout> | undefined;
    const receive = (message: MessageEvent<string>) => {
      const event = parseEvent(message.data);
      if (!event) return;
      for (const listener of listeners) listener(event);
      if (event.stream_id === null) return;
      clearTimeout(refresh);
      refresh = setTimeout(() => void client.invalidateQueries({ queryKey: ['streams'] }), 200);
    };
    source.addEventListener('message', receive);
    source.addEventListener('event', receive);
    return () => {
      clearTimeout(refresh);
      source.close();
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
