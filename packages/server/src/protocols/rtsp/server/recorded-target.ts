import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseInstant } from '@watchpost/base/text/instant.ts';
import { parseClock } from '@watchpost/media/rtsp/range.ts';
import type { ServerTarget } from '@watchpost/media/rtsp/server-target.ts';

/** Recordings that an address asks for. */
export interface RecordedTarget {
  readonly streamId: string;
  /** ms since 1970 UTC. */
  readonly startMs?: number;
  readonly endMs?: number;
}

/**
 * What `/recordings/ID` and `/live/ID?start=…&end=…` ask for; undefined for what is live. Times are ISO 8601, or compact
 * as NVRs write them (`20261120T114900Z`). Throws `invalid_argument` (`REPLAY_TIME_INVALID`).
 */
export function recordedTargetOf({ path, query }: ServerTarget): RecordedTarget | undefined {
  const [, folder, streamId] = /^\/(?:(live|recordings)\/)?([^/]+)$/.exec(path) ?? [];
  if (streamId === undefined) return undefined;
  const fields = new URLSearchParams(query);
  const start = timeOf(fields, 'start');
  const end = timeOf(fields, 'end');
  if (folder !== 'recordings' && start === undefined) return undefined;
  return { streamId, ...(start !== undefined && { startMs: start }), ...(end !== undefined && { endMs: end }) };
}

function timeOf(fields: URLSearchParams, name: string): number | undefined {
  const text = fields.get(name) ?? fields.get(`${name}time`);
  if (text === null) return undefined;
  const ms = parseInstant(text) ?? parseClock(text);
  if (ms !== undefined) return ms;
  throw new WatchpostError(`${name}=${text.slice(0, 40)} is no time - write 2026-11-20T11:49:00Z`, {
    kind: 'invalid_argument',
    code: 'REPLAY_TIME_INVALID',
  });
}
