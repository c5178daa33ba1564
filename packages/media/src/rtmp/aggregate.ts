import { readU24 } from '@watchpost/base/bytes.ts';
import { malformed } from '../codec/malformed.ts';
import { tagHeadBytes, tagTailBytes } from '../container/flv/codes.ts';

/**
 * The messages in an aggregate message (RTMP 1.0 §7.1.6), which look like FLV tags; their times move with the first one's
 * to that of the aggregate. Bodies are views. Throws `malformed` where one is cut off.
 */
export function readAggregate(
  timestampMs: number,
  body: Uint8Array,
  onMessage: (type: number, timestampMs: number, body: Uint8Array) => void,
): void {
  let offset: number | undefined;
  for (let at = 0; at + tagHeadBytes <= body.length; ) {
    const length = readU24(body, at + 1);
    const from = at + tagHeadBytes;
    if (from + length > body.length) throw malformed('RTMP_AGGREGATE', 'An aggregate message ends amid a message.');
    const time = ((body[at + 7]! << 24) | readU24(body, at + 4)) >>> 0;
    offset ??= timestampMs - time;
    onMessage(body[at]!, (time + offset) >>> 0, body.subarray(from, from + length));
    at = from + length + tagTailBytes;
  }
}
