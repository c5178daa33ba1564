import { apiUrl } from './client.ts';

/**
 * How events come: by a WebSocket, of which each tab may keep one, or as server-sent events. Those hold one of the six
 * connections that a browser has for all tabs of a server over HTTP/1.1, but pass through any proxy.
 */
export type EventWay = 'socket' | 'stream';

/** Callbacks of a connection for events. */
export interface EventConnectionListener {
  onOpen(): void;
  /** An event as JSON. */
  onText(text: string): void;
  /** It is over for good; `wasOpen` where events could have come. Not after it was closed from this side. */
  onEnd(wasOpen: boolean): void;
}

/** Opens a connection for the events after `after`; from now on where that is undefined. Returns what closes it. */
export function openEvents(way: EventWay, after: number | undefined, listener: EventConnectionListener): () => void {
  const path = apiUrl('/events', { after });
  return way === 'socket' ? openSocket(path, listener) : openStream(path, listener);
}

function openSocket(path: string, listener: EventConnectionListener): () => void {
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`);
  let wasOpen = false;
  socket.onopen = () => {
    wasOpen = true;
    listener.onOpen();
  };
  socket.onmessage = (message: MessageEvent<string>) => listener.onText(message.data);
  socket.onclose = () => listener.onEnd(wasOpen);
  return () => {
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  };
}

function openStream(path: string, listener: EventConnectionListener): () => void {
  const source = new EventSource(path, { withCredentials: true });
  let wasOpen = false;
  source.onopen = () => {
    wasOpen = true;
    listener.onOpen();
  };
  source.onmessage = (message: MessageEvent<string>) => listener.onText(message.data);
  source.onerror = () => {
    // It comes back by itself, but not where it is answered by an error, as a proxy does while the server starts.
    if (source.readyState === EventSource.CLOSED) listener.onEnd(wasOpen);
  };
  return () => source.close();
}
