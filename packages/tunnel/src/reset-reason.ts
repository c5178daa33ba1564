import { readU16, writeU16 } from '@watchpost/base/bytes.ts';
import type { ErrorKind } from '@watchpost/base/errors.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';

/** Why a channel, or the whole session, ended before its time. Names are stable; they stand in the API and in logs. */
export type ResetReason =
  | 'canceled'
  | 'refused'
  | 'unreachable'
  | 'timeout'
  | 'not_allowed'
  | 'quota'
  | 'grace_over'
  | 'buffer_full'
  | 'session_lost'
  | 'replaced'
  | 'revoked'
  | 'shutdown'
  | 'protocol'
  | 'internal';

/** `number`: on the wire. `text`: what a person reads. */
type Meaning = readonly [number: number, kind: ErrorKind, text: string];

const meanings: Readonly<Record<ResetReason, Meaning>> = {
  canceled: [1, 'canceled', 'The connection was closed'],
  refused: [2, 'unavailable', 'The device refused the port — check that its service is on'],
  unreachable: [3, 'unavailable', 'The agent cannot reach the device — check that it is on'],
  timeout: [4, 'timeout', 'The device did not answer the agent in time'],
  not_allowed: [5, 'forbidden', "The agent does not allow this target — add it to the agent's list of targets"],
  quota: [6, 'resource_exhausted', 'There are too many connections through this tunnel'],
  grace_over: [7, 'unavailable', 'The agent did not come back within the grace time'],
  buffer_full: [8, 'resource_exhausted', 'More was sent during the outage than the resend buffer holds'],
  session_lost: [9, 'unavailable', 'The other end of the tunnel was restarted'],
  replaced: [10, 'conflict', 'A newer session of the same agent took over'],
  revoked: [11, 'forbidden', 'The agent was revoked'],
  shutdown: [12, 'unavailable', 'The other end of the tunnel is stopping'],
  protocol: [13, 'malformed', 'The other end of the tunnel broke the protocol'],
  internal: [14, 'internal', 'The other end of the tunnel failed'],
};

const byNumber = new Map<number, ResetReason>(
  (Object.keys(meanings) as ResetReason[]).map((reason) => [meanings[reason][0], reason]),
);

/** The payload of RESET: the reason's number in 16 bits. */
export function writeResetReason(reason: ResetReason): Uint8Array {
  const payload = new Uint8Array(2);
  writeU16(payload, 0, meanings[reason][0]);
  return payload;
}

/** Reads the payload of RESET; a number that this version does not know is `internal`. */
export function parseResetReason(payload: Uint8Array): ResetReason {
  return (payload.length >= 2 ? byNumber.get(readU16(payload, 0)) : undefined) ?? 'internal';
}

/** The reason as an error, with `detail` behind what it means. */
export function resetError(reason: ResetReason, detail?: string): WatchpostError {
  const [, kind, text] = meanings[reason];
  return new WatchpostError(detail === undefined ? text : `${text}: ${detail}`, {
    kind,
    code: `TUNNEL_${reason.toUpperCase()}`,
  });
}

/** True for the name of a reason. */
export function isResetReason(value: unknown): value is ResetReason {
  return typeof value === 'string' && Object.hasOwn(meanings, value);
}
