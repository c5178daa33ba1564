import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { problemMediaType, problemOf } from '../net/problem.ts';
import { parseByteRange } from './byte-range.ts';
import type { Asked } from './kept-mp4s.ts';
import type { PlaybackFile, PlaybackMp4 } from './playback.ts';

/** Apple's players ask for the first two bytes, and then for the first and all behind it, of a file of the same length. */
const probingMs = 5000;

/** Gaps that are named in a header; the others are counted. */
const maxNamedGaps = 20;

/** Answers with a file or a range of it (RFC 9110 §14). */
export function sendFile(request: FastifyRequest, reply: FastifyReply, file: PlaybackFile): FastifyReply {
  const { headers } = request;
  reply.header('accept-ranges', 'bytes').header('etag', file.etag).type('video/mp4');
  reply.header('cache-control', cacheControl(file));
  if (namesTag(headers['if-none-match'], file.etag)) return reply.code(304).send();
  const ifRange = headers['if-range'];
  // Ranges are defined for GET only (RFC 9110 §14.2).
  const isAsked = request.method === 'GET' && (ifRange === undefined || ifRange === file.etag);
  const range = isAsked ? parseByteRange(headers.range, file.bytes) : undefined;
  if (range === 'unsatisfiable') return refuseRange(reply, file.bytes);
  const { start, end } = range ?? { start: 0, end: file.bytes };
  reply.header('content-length', end - start);
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${file.bytes}`);
  // Of no body at all Fastify's own HEAD routes would tell the length: 0.
  if (request.method === 'HEAD') return reply.send(Readable.from([]));
  return reply.send(Readable.from(file.read({ start, end }), { objectMode: false }));
}

/**
 * Of a file that grows nothing may be kept: Chromium 156 asks for the next range by `If-Range` and the tag of the one that
 * it has kept, gets the whole file (RFC 9110 §13.1.5) and hands that to hls.js as the range.
 */
function cacheControl({ closed, growing }: PlaybackFile): string {
  if (growing) return 'no-store';
  return closed ? 'private, max-age=86400' : 'private, no-cache';
}

function refuseRange(reply: FastifyReply, bytes: number): FastifyReply {
  const problem = problemOf(416, 'RANGE_UNSATISFIABLE', `the range begins behind the end: there are ${bytes} bytes`);
  reply.code(416).header('content-range', `bytes */${bytes}`).header('cache-control', 'no-store');
  // A serializer of the route's own would refuse the problem document.
  return reply.type(problemMediaType).serializer(JSON.stringify).send(problem);
}

/** Whether `If-None-Match` names the tag (RFC 9110 §13.1.2): compared weakly, as one of a list, or by "*". */
function namesTag(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',', 100).map((tag) => tag.trim().replace(/^W\//, ''));
  return tags !== undefined && (tags.includes(etag) || tags[0] === '*');
}

/**
 * Which state of a file that grows a request means. Players send ranges without the tag of what they have (FFmpeg, VLC,
 * GStreamer and browsers do), and could not do with bytes of another file (RFC 9110 §15.3.7.3): behind the first byte a range
 * is one of the file that this player was given last.
 */
export function askedBy({ headers, ip }: Pick<FastifyRequest, 'headers' | 'ip'>): Asked {
  const { range, 'if-range': tag, 'user-agent': player = '' } = headers;
  const viewer = `${ip} ${player.slice(0, 200)}`;
  if (tag !== undefined || /^bytes=(-|0*[1-9])/.test(range ?? '')) return { viewer, keepMs: Number.POSITIVE_INFINITY };
  return { viewer, keepMs: range === undefined ? 0 : probingMs };
}

/** Answers with a range of recordings as one file; headers say which instants it holds, and which holes were closed. */
export function sendMp4(request: FastifyRequest, reply: FastifyReply, file: PlaybackMp4): FastifyReply {
  const gaps = file.gaps.map((gap) => `${instant(gap.startMs)}/${instant(gap.endMs)}`);
  reply.header('x-recording-start', instant(file.startMs)).header('x-recording-end', instant(file.endMs));
  reply.header('x-recording-gaps', [gaps.length, ...gaps.slice(0, maxNamedGaps)].join(', '));
  return sendFile(request, reply, file);
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
