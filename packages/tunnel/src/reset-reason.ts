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

interface Meaning {
  readonly number: number;
  readonly kind: ErrorKind;
  /** What a person reads. */
  readonly text: string;
}

const meanings: Readonly<Record<ResetReason, Meaning>> = {
  canceled: { number: 1, kind: 'canceled', text: 'The connection was closed' },
  refused: { number: 2, kind: 'unavailable', text: 'The device refused the port — check that its service is on' },
  unreachable: { number: 3, kind: 'unavailable', text: 'The agent cannot reach the device — check that it is on' },
  timeout: { number: 4, kind: 'timeout', text: 'The device did not answer the agent in time' },
  not_allowed: {
    number: 5,
    kind: 'forbidden',
    text: "The agent does not allow this target — add it to the agent's list of targets",
  },
  quota: { number: 6, kind: 'resource_exhausted', text: 'There are too many connections through this tunnel' },
  grace_over: { number: 7, kind: 'unavailable', text: 'The agent did not come back within the grace time' },
  buffer_full: {
    number: 8,
    kind: 'resource_exhausted',
    text: 'More was sent during the outage than the resend buffer holds',
  },
  session_lost: { number: 9, kind: 'unavailable', text: 'The other end of the tunnel was restarted' },
  replaced: { number: 10, kind: 'conflict', text: 'A newer session of the same agent took over' },
  revoked: { number: 11, kind: 'forbidden', text: 'The agent was revoked' },
  shutdown: { number: 12, kind: 'unavailable', text: 'The other end of the tunnel is stopping' },
  protocol: { number: 13, kind: 'malformed', text: 'The other end of the tunnel broke the protocol' },
  internal: { number: 14, kind: 'internal', text: 'The other end of the tunnel failed' },
};

const byNumber = new Map<number, ResetReason>(
  (Object.keys(meanings) as ResetReason[]).map((reason) => [meanings[reason].number, reason]),
);

/** The payload of RESET: the reason's number in 16 bits. */
export function writeResetReason(reason: ResetReason): Uint8Array {
  const payload = new Uint8Array(2);
  writeU16(payload, 0, meanings[reason].number);
  return payload;
}

/** Reads the payload of RESET; a number that this version does not know is `internal`. */
export function parseResetReason(payload: Uint8Array): ResetReason {
  return (payload.length >= 2 ? byNumber.get(readU16(payload, 0)) : undefined) ?? 'internal';
}

/** The reason as an error, with `detail` behind what it means. */
export function resetError(reason: ResetReason, detail?: string): WatchpostError {
  const { kind, text } = meanings[reason];
  return new WatchpostError(detail === undefined ? text : `${text}: ${detail}`, {
    kind,
    code: `TUNNEL_${reason.toUpperCase()}`,
  });
}

/** True for the name of a reason. */
export function isResetReason(value: unknown): value is ResetReason {
  return typeof value === 'string' && Object.hasOwn(meanings, value);
}
