import { WatchpostError } from '@watchpost/base/errors.ts';
import { cseqOf, headerOf, headersOf, type RtspHeaders, type RtspRequest } from './message.ts';
import { parseRange, type RtspRange, writeRange } from './range.ts';
import { unreadableReason } from './server-errors.ts';
import type { PlayAnswer, ServedRefusal } from './server-types.ts';

/** ONVIF Streaming Specification §6. */
const replayFeature = 'onvif-replay';
const scaleLimits = { least: 0.1, most: 256 } as const;

/** What a PLAY of something that can be sought in asks for. */
export interface PlayRequest {
  /** Where to begin; from where it stopped where it is missing. */
  readonly range?: RtspRange;
  /** Seconds of the medium for each second (RFC 2326 §12.34); below 0 for reverse. 1 where it is missing. */
  readonly scale?: number;
  /** `Rate-Control: no` (ONVIF): the client takes it as fast as it can. */
  readonly clientPaced: boolean;
  /** `Frames: intra` (ONVIF): key pictures only. */
  readonly keysOnly: boolean;
  /** `Frames: intra/4000`: they are at least so far apart, ms. */
  readonly keyIntervalMs?: number;
  /** Its number, where it has `Require: onvif-replay`. */
  readonly replayCseq?: number;
}

/** Reads a PLAY. Throws `malformed`: `RTSP_RANGE_INVALID`, `RTSP_SCALE_INVALID`. */
export function parsePlay(request: RtspRequest): PlayRequest {
  const range = headerOf(request, 'Range');
  const scale = headerOf(request, 'Scale');
  const rateControl = headerOf(request, 'Rate-Control');
  const intra = /^intra\b(?:\s*\/\s*(\d{1,8})\b)?/i.exec(headerOf(request, 'Frames')?.trim() ?? '');
  return {
    ...(range !== undefined && { range: parseRange(range) }),
    ...(scale !== undefined && { scale: parseScale(scale) }),
    clientPaced: rateControl?.trim().toLowerCase() === 'no',
    keysOnly: intra !== null,
    ...(intra?.[1] !== undefined && { keyIntervalMs: Number(intra[1]) }),
    ...(requires(request).includes(replayFeature) && { replayCseq: cseqOf(request) ?? 0 }),
  };
}

/** The answer to a PLAY that `parsePlay` threw for (RFC 2326 §11.3.2, §11.3.8). */
export function playRefusal(thrown: unknown): ServedRefusal {
  const isRange = thrown instanceof WatchpostError && thrown.code === 'RTSP_RANGE_INVALID';
  return isRange
    ? { status: 457, reason: unreadableReason(thrown, 'Invalid Range') }
    : { status: 451, reason: unreadableReason(thrown, 'Parameter Not Understood') };
}

/** What a client requires and this server has not; undefined where there is nothing. */
export function unknownFeatures(request: RtspRequest, known: readonly string[] = []): string | undefined {
  const unknown = requires(request).filter((tag) => tag !== replayFeature && !known.includes(tag));
  return unknown.length > 0 ? unknown.join(', ') : undefined;
}

/** What a client cannot do without (RFC 2326 §12.32), in lower case. */
function requires(request: RtspRequest): string[] {
  const tags = headersOf(request, 'Require').flatMap((value) => value.split(','));
  return tags.map((tag) => tag.trim().toLowerCase()).filter((tag) => tag !== '');
}

/** True if a PLAY says where or how fast, so that it is more than a sign of life. */
export function isSeek(request: RtspRequest): boolean {
  return headerOf(request, 'Range') !== undefined || headerOf(request, 'Scale') !== undefined;
}

function parseScale(text: string): number {
  const scale = /^[+-]?\d{1,4}(\.\d{0,6})?$/.test(text.trim()) ? Number(text) : 0;
  if (Math.abs(scale) >= scaleLimits.least && Math.abs(scale) <= scaleLimits.most) return scale;
  throw new WatchpostError(`Scale "${text.slice(0, 20)}" is no pace - use 0.1 to 256, below 0 for reverse`, {
    kind: 'malformed',
    code: 'RTSP_SCALE_INVALID',
  });
}

/** What the answer to such a PLAY says besides `RTP-Info`. */
export function playHeaders(play: PlayRequest, answer: PlayAnswer): RtspHeaders {
  const headers: (readonly [string, string])[] = [['Range', writeRange(answer.range)]];
  if (play.scale !== undefined) headers.push(['Scale', answer.scale.toFixed(3)]);
  if (play.clientPaced) headers.push(['Rate-Control', 'no']);
  return headers;
}
