import type { ServerResponse } from 'node:http';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { WebSocket } from 'ws';
import type { EventRecord } from '../catalog/types.ts';
import { closeCodeOf } from '../net/web-socket-close.ts';
import { toEventView } from './event-view.ts';

/** Where events go as they happen: to one client. */
export interface EventSink {
  /** The client is gone, or told that there is no more. */
  readonly isOver: boolean;
  /** Bytes that the client has not taken yet. */
  readonly waitingBytes: number;
  send(event: EventRecord): void;
  /** Says that the connection lives. */
  beat(): void;
  /** Resolves once what was sent is on its way, or the client is gone. */
  flushed(): Promise<void>;
  /** Ends it in order. */
  end(reason: WatchpostError): void;
  /** Ends it at once. */
  cut(): void;
  /** Calls back once, when the client is gone. */
  onClose(listener: () => void): void;
}

/** Server-sent events (HTML §9.2) on an answer whose head is written. */
export function answerSink(response: ServerResponse): EventSink {
  response.write('retry: 2000\n\n');
  return {
    get isOver() {
      return response.writableEnded || response.destroyed;
    },
    get waitingBytes() {
      return response.writableLength;
    },
    send: (event) => void response.write(`id: ${event.id}\ndata: ${JSON.stringify(toEventView(event))}\n\n`),
    beat: () => void response.write(': alive\n\n'),
    flushed: () => (response.writableNeedDrain ? drained(response) : Promise.resolve()),
    end: (reason) => void response.end(`: ${reason.code} ${reason.message}\n\n`),
    cut: () => void response.destroy(),
    onClose: (listener) => void response.once('close', listener),
  };
}

/** A text message of a WebSocket for each event; browsers have room for many of them, for all tabs of a server. */
export function webSocketSink(webSocket: WebSocket): EventSink {
  let flushed = Promise.resolve();
  webSocket.on('error', () => webSocket.terminate());
  return {
    get isOver() {
      return webSocket.readyState !== webSocket.OPEN;
    },
    get waitingBytes() {
      return webSocket.bufferedAmount;
    },
    send: (event) => {
      flushed = new Promise((resolve) => webSocket.send(JSON.stringify(toEventView(event)), () => resolve()));
    },
    beat: () => webSocket.ping(() => {}),
    flushed: () => flushed,
    end: (reason) => webSocket.close(closeCodeOf(reason), reason.code),
    cut: () => webSocket.terminate(),
    onClose: (listener) => void webSocket.once('close', listener),
  };
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
