import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Stream } from './stream.ts';
import type { StreamHub } from './stream-hub.ts';
import type { AccessControl, AccessRequest, Grant } from './types.ts';

/** A request for live media, however it came. */
export interface ViewerRequest extends Pick<AccessRequest, 'headers' | 'remoteAddress' | 'query'> {
  /** As it stands in the address, percent-encoded or not. */
  readonly streamId: string;
}

/** Somebody who may watch a stream. */
export interface AdmittedViewer {
  readonly stream: Stream;
  /** For how long. */
  readonly grant: Grant;
}

/** The stream that somebody may watch. Throws `unauthenticated` or `forbidden`, and `not_found` (`STREAM_NOT_FOUND`). */
export async function admitViewer(
  parts: { readonly hub: StreamHub; readonly access: AccessControl },
  request: ViewerRequest,
): Promise<AdmittedViewer> {
  const { headers, remoteAddress, query } = request;
  const streamId = decoded(request.streamId);
  const grant = await parts.access.authorize({ action: 'live', streamId, headers, query, remoteAddress });
  const stream = parts.hub.get(streamId);
  if (stream !== undefined) return { stream, grant };
  throw new WatchpostError(`There is no stream "${streamId}" — see GET /api/v1/streams`, {
    kind: 'not_found',
    code: 'STREAM_NOT_FOUND',
  });
}

/** True where nobody need wait for a picture. */
export function isOffline({ state }: Stream): boolean {
  return state === 'offline' || state === 'stopped';
}

/**
 * Throws `unavailable` (`STREAM_OFFLINE`, `STREAM_STOPPED`) with the reason where nobody need wait for a picture; whoever
 * asks again after some seconds may find one.
 */
export function refuseOffline(stream: Stream): void {
  const { id, state, reason } = stream;
  if (!isOffline(stream)) return;
  stream.ask();
  const why = reason === undefined ? '' : ` — ${reason.message}`;
  throw new WatchpostError(`The stream "${id}" is ${state}${why}`, {
    kind: 'unavailable',
    code: `STREAM_${state.toUpperCase()}`,
    context: { retryAfterSeconds: 5 },
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
