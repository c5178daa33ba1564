import { WatchpostError } from '@watchpost/base/errors.ts';

/** What a player asks of a playlist (draft-pantos-hls-rfc8216bis §6.2.5). */
export interface Reload {
  /** `_HLS_msn`, `_HLS_part`: the answer waits until this segment, or this part of it, is there. */
  readonly until?: { readonly segment: number; readonly part: number | undefined };
  /** `_HLS_skip`: what the player has already may be left out. */
  readonly maySkip: boolean;
}

/** Reads the delivery directives of a query. Throws `invalid_argument` (`HLS_DIRECTIVE`) where they make no sense. */
export function readReload(query: URLSearchParams): Reload {
  const segment = integer(query, '_HLS_msn');
  const part = integer(query, '_HLS_part');
  if (part !== undefined && segment === undefined) throw wrong('_HLS_part needs _HLS_msn');
  const skip = query.get('_HLS_skip');
  const maySkip = skip === 'YES' || skip === 'v2';
  return segment === undefined ? { maySkip } : { maySkip, until: { segment, part } };
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw wrong(`${name} is not a number`);
  return Number(text);
}

/** A request that no playlist of ours leads to: 400 (§6.2.5.2). */
export function wrong(problem: string): WatchpostError {
  return new WatchpostError(`${problem} — read index.m3u8 again, without _HLS_msn`, {
    kind: 'invalid_argument',
    code: 'HLS_DIRECTIVE',
  });
}
