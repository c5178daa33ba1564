import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';
import { toProblem } from './problem.ts';

/** How long a client may take for what was written before the end. */
const lingerMs = 5000;

/** Head of an answer without a length, which ends with the connection (RFC 9112 §6.3). */
export function endlessAnswerHead(contentType: string): string {
  return [
    'HTTP/1.1 200 OK',
    `Content-Type: ${contentType}`,
    'Cache-Control: no-store',
    'Access-Control-Allow-Origin: *',
    'X-Content-Type-Options: nosniff',
    // nginx keeps an answer back until its buffers are full, else.
    'X-Accel-Buffering: no',
    'Connection: close',
    '\r\n',
  ].join('\r\n');
}

/**
 * The bare socket of a request, for an answer that is the same for all viewers: written past Node's streams it takes a
 * third of the time. Undefined where the client has gone.
 */
export function takeSocket(reply: FastifyReply): Socket | undefined {
  const { socket } = reply.raw;
  reply.hijack();
  if (socket === null || socket.destroyed) return undefined;
  reply.raw.detachSocket(socket);
  return socket;
}

/** Ends an answer on a bare socket; a client that takes nothing more is cut. */
export function endAnswer(socket: Pick<Socket, 'end' | 'destroy' | 'setTimeout'>): void {
  socket.setTimeout(lingerMs, () => socket.destroy());
  socket.end();
}

/** Answers with a problem document on a bare socket, and closes it. */
export function refuseOn(socket: Pick<Socket, 'destroyed' | 'end'>, reason: unknown): void {
  if (socket.destroyed) return;
  const problem = toProblem(reason);
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Access-Control-Allow-Origin: *\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
