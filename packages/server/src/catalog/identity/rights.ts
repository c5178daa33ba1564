import { WatchpostError } from '@watchpost/base/errors.ts';
import { type Rights, type Role, roles } from './types.ts';

const maxStreams = 1000;
const streamPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const subSuffix = '.sub';

/** True where `role` may do what `needed` may. */
export function hasRole(role: Role, needed: Role): boolean {
  return roles.indexOf(role) <= roles.indexOf(needed);
}

/** True where the stream is one of those; the second quality goes with its stream. */
export function coversStream(streams: readonly string[] | undefined, streamId: string): boolean {
  if (streams === undefined) return true;
  return streams.includes(streamId.endsWith(subSuffix) ? streamId.slice(0, -subSuffix.length) : streamId);
}

/** What is left where both limits hold: the lesser role, the streams in both. */
export function lesserRights(rights: Rights, limits: Partial<Rights>): Rights {
  const role = limits.role === undefined || hasRole(limits.role, rights.role) ? rights.role : limits.role;
  if (limits.streams === undefined) return { role, streams: rights.streams };
  return { role, streams: limits.streams.filter((id) => coversStream(rights.streams, id)) };
}

/**
 * A list of streams as it is kept: each once, in order. Throws `invalid_argument` (`STREAMS_INVALID`) for an empty list,
 * more than 1000, or what is not the id of a stream.
 */
export function checkStreams(streams: readonly string[]): readonly string[] {
  const wrong = streams.find((id) => !streamPattern.test(id));
  if (wrong === undefined && streams.length > 0 && streams.length <= maxStreams) return [...new Set(streams)].sort();
  const reason = wrong === undefined ? `name 1 to ${maxStreams} streams` : `"${wrong}" is not the id of a stream`;
  throw new WatchpostError(`${reason} — leave the list out for all streams`, {
    kind: 'invalid_argument',
    code: 'STREAMS_INVALID',
  });
}

/** The list as a column has it. */
export function streamsToColumn(streams: readonly string[] | undefined): string | null {
  return streams === undefined ? null : JSON.stringify(checkStreams(streams));
}

/** The list of a column; one that cannot be read covers nothing. */
export function streamsOfColumn(column: string | null): readonly string[] | undefined {
  if (column === null) return undefined;
  try {
    const list: unknown = JSON.parse(column);
    return Array.isArray(list) ? list.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}
