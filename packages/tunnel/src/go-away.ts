import { frameType, makeFrame } from './frame.ts';
import { optionalWhole, parseJsonObject, writeJson } from './json-object.ts';
import { isResetReason } from './reset-reason.ts';
import type { GoAway } from './types.ts';

/** Longest wait that one end may ask of the other. */
const maxRetryAfterMs = 3_600_000;

/** The frame that ends a session at both ends. */
export function writeGoAway({ reason, retryAfterMs }: GoAway): Uint8Array {
  return makeFrame(frameType.goAway, 0, writeJson({ reason, retry_after_ms: retryAfterMs }));
}

/** Reads the payload of GOAWAY; a reason that this version does not know is `internal`. */
export function parseGoAway(payload: Uint8Array): GoAway {
  const fields = parseJsonObject(payload);
  const { reason } = fields;
  return {
    reason: isResetReason(reason) ? reason : 'internal',
    retryAfterMs: optionalWhole(fields, 'retry_after_ms', { max: maxRetryAfterMs }) ?? 0,
  };
}
