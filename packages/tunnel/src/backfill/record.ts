import { readU32, readU64, writeU32, writeU64 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';

/**
 * What an agent kept, as the bytes of a `backfill` channel: records one after another. A `tracks` record comes first and
 * whenever the camera describes itself anew; then RTP packets as the camera sent them, with the time they came. `mark`
 * says that all up to its time was sent: a fetch that breaks off goes on from the last mark. END follows the last record.
 */
export type BackfillRecord =
  | { readonly kind: 'tracks'; readonly timeMs: number; readonly sdp: string }
  /** `trackIndex` counts the media lines of the SDP. */
  | { readonly kind: 'rtp'; readonly timeMs: number; readonly trackIndex: number; readonly packet: Uint8Array }
  /** RTCP of the camera, for its sender reports. */
  | { readonly kind: 'rtcp'; readonly timeMs: number; readonly trackIndex: number; readonly packet: Uint8Array }
  | { readonly kind: 'mark'; readonly timeMs: number };

const kinds = { tracks: 1, rtp: 2, rtcp: 3, mark: 4 } as const;

/** Bytes before a record's payload: kind, track, reserved (16 bits), length (32 bits), time in ms (64 bits). */
const recordHeaderBytes = 16;

/** Most bytes that a record carries: an interleaved RTP packet, or a long SDP. */
export const maxRecordPayloadBytes = 65_535;

/** Writes one record. The time lies on the line of the offer's `now_ms`, and never goes back within a channel. */
export function writeBackfillRecord(record: BackfillRecord): Uint8Array {
  const payload =
    record.kind === 'tracks'
      ? new TextEncoder().encode(record.sdp)
      : record.kind === 'mark'
        ? new Uint8Array(0)
        : record.packet;
  if (payload.length > maxRecordPayloadBytes) throw broken(`a record of ${payload.length} bytes is too long`);
  const bytes = new Uint8Array(recordHeaderBytes + payload.length);
  bytes[0] = kinds[record.kind];
  bytes[1] = 'trackIndex' in record ? record.trackIndex : 0;
  writeU32(bytes, 4, payload.length);
  writeU64(bytes, 8, record.timeMs);
  bytes.set(payload, recordHeaderBytes);
  return bytes;
}

/** Puts records together from the pieces in which a channel brings them. */
export class BackfillReader {
  readonly #onRecord: (record: BackfillRecord) => void;
  #kept = new Uint8Array(0);

  constructor(onRecord: (record: BackfillRecord) => void) {
    this.#onRecord = onRecord;
  }

  /** True between two records. */
  get isAtBoundary(): boolean {
    return this.#kept.length === 0;
  }

  /** Takes the next bytes; records that are whole are told at once. Thrown `malformed` (`TUNNEL_BACKFILL`). */
  receive(bytes: Uint8Array): void {
    let all = bytes;
    if (this.#kept.length > 0) {
      all = new Uint8Array(this.#kept.length + bytes.length);
      all.set(this.#kept);
      all.set(bytes, this.#kept.length);
    }
    let at = 0;
    while (all.length - at >= recordHeaderBytes) {
      const length = readU32(all, at + 4);
      if (length > maxRecordPayloadBytes) throw broken(`a record of ${length} bytes is too long`);
      if (all.length - at < recordHeaderBytes + length) break;
      this.#onRecord(readRecord(all, at, length));
      at += recordHeaderBytes + length;
    }
    this.#kept = all.slice(at);
  }
}

function readRecord(bytes: Uint8Array, at: number, length: number): BackfillRecord {
  const timeMs = readU64(bytes, at + 8);
  const payload = bytes.subarray(at + recordHeaderBytes, at + recordHeaderBytes + length);
  const trackIndex = bytes[at + 1]!;
  if (!Number.isSafeInteger(timeMs)) throw broken('a time is out of range');
  switch (bytes[at]) {
    case kinds.tracks:
      return { kind: 'tracks', timeMs, sdp: new TextDecoder().decode(payload) };
    case kinds.rtp:
      return { kind: 'rtp', timeMs, trackIndex, packet: payload };
    case kinds.rtcp:
      return { kind: 'rtcp', timeMs, trackIndex, packet: payload };
    case kinds.mark:
      return { kind: 'mark', timeMs };
    default:
      throw broken(`record kind ${bytes[at]} is unknown`);
  }
}

function broken(what: string): WatchpostError {
  return new WatchpostError(`What the agent kept cannot be read: ${what}`, {
    kind: 'malformed',
    code: 'TUNNEL_BACKFILL',
  });
}
