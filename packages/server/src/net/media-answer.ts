import type { Http2ServerResponse, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyReply, HTTPMethods } from 'fastify';
import { cutOnceEnded, lingerMs } from './cut-once-ended.ts';
import { toProblem } from './problem.ts';

/** Route of an answer without a length: the HEAD that fastify adds by itself tells one, 0 (RFC 9110 §8.6). */
export const endlessRoute = {
  method: ['GET', 'HEAD'] satisfies HTTPMethods[],
  exposeHeadRoute: false,
  schema: { hide: true },
};

/** An answer without a length, past fastify. */
export interface EndlessAnswer {
  /** Takes the media: the bare socket, or the stream of an HTTP/2 session. */
  readonly socket: Duplex;
  /** Writes the head, before any media. */
  begin(): void;
  /** Ends it; where it has not begun, with a problem document. A client that takes nothing more is cut. */
  end(reason: unknown, hasBegun: boolean): void;
}

/**
 * Takes a request over, for an answer that is the same for all viewers: written past Node's streams of HTTP/1.1 it takes a
 * third of the time. Undefined where the client has gone.
 */
export function takeAnswer(reply: FastifyReply, contentType: string): EndlessAnswer | undefined {
  const { raw } = reply;
  reply.hijack();
  if ('stream' in raw) {
    const { stream } = raw as unknown as Http2ServerResponse;
    return stream === undefined || stream.destroyed || stream.closed ? undefined : streamAnswer(stream, contentType);
  }
  const { socket } = raw;
  if (socket === null || socket.destroyed) return undefined;
  raw.detachSocket(socket);
  stopParsing(socket);
  return socketAnswer(socket, contentType);
}

/** An answer on a socket that is detached from its request; it ends with the connection (RFC 9112 §6.3). */
export function socketAnswer(socket: Socket, contentType: string): EndlessAnswer {
  const fields = Object.entries(endlessFields(contentType)).map(([name, value]) => `${name}: ${value}\r\n`);
  return {
    socket,
    begin: () => void socket.write(`HTTP/1.1 200 OK\r\n${fields.join('')}connection: close\r\n\r\n`, 'latin1'),
    end: (reason, hasBegun) => {
      if (hasBegun) endSoon(socket);
      else refuseOn(socket, reason);
    },
  };
}

/**
 * What else comes on the connection is not looked at: answers of requests behind this one (RFC 9112 §9.3.2) would stand
 * between media, and Node ends the process where they are finished before it. The first listener takes the bytes away
 * from Node's parser, which reads past the socket's events until then.
 */
function stopParsing(socket: Socket): void {
  const discard = () => {};
  socket.on('data', discard);
  socket.removeAllListeners('data');
  socket.on('data', discard);
}

/** Answers with a problem document on a bare socket, and closes it. */
export function refuseOn(socket: Socket, reason: unknown): void {
  if (socket.destroyed) return;
  cutOnceEnded(socket);
  const problem = toProblem(reason);
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Access-Control-Allow-Origin: *\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** One stream of an HTTP/2 session (RFC 9113 §8.1): its end leaves the others alone, its window holds back this viewer only. */
function streamAnswer(stream: ServerHttp2Stream, contentType: string): EndlessAnswer {
  const isOpen = () => !stream.destroyed && !stream.closed;
  return {
    socket: stream,
    begin: () => {
      if (isOpen()) stream.respond({ ':status': 200, ...endlessFields(contentType) });
    },
    end: (reason, hasBegun) => {
      if (!isOpen()) return;
      if (!hasBegun) {
        const problem = toProblem(reason);
        const fields = {
          'content-type': 'application/problem+json; charset=utf-8',
          'access-control-allow-origin': '*',
        };
        stream.respond({ ':status': problem.status, ...fields });
        stream.write(JSON.stringify(problem));
      }
      endSoon(stream);
    },
  };
}

function endlessFields(contentType: string): Record<string, string> {
  return {
    'content-type': contentType,
    'cache-control': 'no-store',
    'access-control-allow-origin': '*',
    'x-content-type-options': 'nosniff',
    // nginx keeps an answer back until its buffers are full, else.
    'x-accel-buffering': 'no',
  };
}

function endSoon(socket: Socket | ServerHttp2Stream): void {
  socket.setTimeout(lingerMs, () => void socket.destroy());
  socket.end();
}
