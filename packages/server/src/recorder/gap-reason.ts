import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { GapReason } from '../catalog/types.ts';
import type { Explanation } from './gap-ledger.ts';
import type { RecordedStream } from './stream-source.ts';

const storageReasons: Readonly<Record<string, GapReason>> = {
  STORAGE_FULL: 'disk_full',
  STORAGE_VOLUME_MISSING: 'disk_missing',
  STORAGE_VOLUME_IN_USE: 'disk_missing',
};

/** Nothing happens in front of a camera that is recorded for the sake of events. */
export const noEvent: Explanation = { reason: 'no_event', detail: 'it is recorded while something happens' };

/** Why a camera that cannot be reached is not recorded. */
function sourceGapReason(error: WatchpostError | undefined): GapReason {
  if (error === undefined) return 'camera_offline';
  if (error.kind === 'unauthenticated' || error.kind === 'forbidden') return 'auth_failed';
  if (error.code === 'SOURCE_SILENT' || error.code === 'SOURCE_NO_KEY_FRAME') return 'camera_hung';
  if (error.kind === 'timeout') return 'network_timeout';
  if (error.code.endsWith('REFUSED')) return 'camera_refused';
  return 'camera_offline';
}

/** Why what was to be recorded could not be stored: the disk, or something that is our own fault. */
export function storageGapReason(error: WatchpostError): GapReason {
  return storageReasons[error.code] ?? (error.code.startsWith('STORAGE_') ? 'disk_error' : 'unknown');
}

/** Why a stream that is not online is not recorded; `endsNow`: recorded video has just ended. Undefined where there is nothing to say. */
export function offlineReason(
  { state, reason }: Pick<RecordedStream, 'state' | 'reason'>,
  endsNow: boolean,
): Explanation | undefined {
  if (state === 'stopped') return { reason: 'recording_stopped', detail: 'the stream is stopped' };
  if (reason !== undefined || state === 'offline') {
    return { reason: sourceGapReason(reason), detail: reason?.message };
  }
  return endsNow ? { reason: 'camera_offline', detail: 'connecting again' } : undefined;
}
