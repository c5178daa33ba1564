import { concatBytes, equalBytes, fromHex } from '@watchpost/base/bytes.ts';
import { box, malformedBox, u8 } from './boxes.ts';

/** Says what a recorded file is, so that an index can be rebuilt from bare disks. */
export interface FileIdentity {
  /** The volume or server that wrote it. */
  readonly volumeId: string;
  readonly streamId: string;
  /** One for each contiguous recording. */
  readonly runId: string;
  /** Number of the file in its run, from 0. */
  readonly sequence: number;
  /** Wall time of the first sample, ms since 1970 UTC. */
  readonly wallMs: number;
  /** First `dts` of each track, in the order of the tracks in the file. */
  readonly firstDts: readonly number[];
}

/** User type of the box (ISO/IEC 14496-12 §11.1), made for this purpose. */
const userType = fromHex('9a1c5d3e 7f42 4b8a a6d0 577470763031');
const version = 1;
const maxTextBytes = 4096;
const maxTracks = 64;

/** A `uuid` box for the top level of an init segment; readers that do not know it pass over it. */
export function writeIdentityBox(identity: FileIdentity): Uint8Array {
  const { volumeId, streamId, runId, sequence, wallMs, firstDts } = identity;
  const text = JSON.stringify({ volumeId, streamId, runId, sequence, wallMs, firstDts });
  return box('uuid', userType, u8(version), new TextEncoder().encode(text));
}

/**
 * `bytes` from the user type to the end of a `uuid` box. `undefined` for another user type or a version of the future.
 * Throws `malformed`, naming `offset`, for ours if it is damaged.
 */
export function parseIdentityBox(bytes: Uint8Array, offset = 0): FileIdentity | undefined {
  if (bytes.length < 17 || !equalBytes(bytes.subarray(0, 16), userType) || bytes[16] !== version) return undefined;
  if (bytes.length - 17 > maxTextBytes) throw malformedBox('an identity box that is too large', offset);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(concatBytes([bytes.subarray(17)])));
  } catch {
    throw malformedBox('an identity box that is not JSON', offset);
  }
  if (!isIdentity(value)) throw malformedBox('an identity box with missing fields', offset);
  const { volumeId, streamId, runId, sequence, wallMs, firstDts } = value;
  return { volumeId, streamId, runId, sequence, wallMs, firstDts: [...firstDts] };
}

function isIdentity(value: unknown): value is FileIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { volumeId, streamId, runId, sequence, wallMs, firstDts } = value as Record<string, unknown>;
  if (typeof volumeId !== 'string' || typeof streamId !== 'string' || typeof runId !== 'string') return false;
  if (!Number.isSafeInteger(sequence) || !Number.isFinite(wallMs)) return false;
  return Array.isArray(firstDts) && firstDts.length <= maxTracks && firstDts.every((dts) => Number.isSafeInteger(dts));
}
