import { WatchpostError } from '@watchpost/base/errors.ts';

/** For `catch`: a picture that a camera sent damaged is no fault of whoever asks for it. The next one may be whole. */
export function damagedLive(streamId: string): (error: unknown) => never {
  return (error) => {
    if (!isMalformed(error)) throw error;
    throw new WatchpostError(`There is no picture of "${streamId}" now, the newest one is damaged: ${error.message}`, {
      ...{ kind: 'unavailable', code: 'SNAPSHOT_DAMAGED', cause: error, context: { retryAfterSeconds: 5 } },
    });
  };
}

/** For `catch`: a picture that is recorded damaged stays so. */
export function damagedRecorded(segmentId: string): (error: unknown) => never {
  return (error) => {
    if (!isMalformed(error)) throw error;
    throw new WatchpostError(`The picture is damaged in the recording ${segmentId}: ${error.message}`, {
      ...{ kind: 'data_loss', code: 'SNAPSHOT_RECORDED_DAMAGED', cause: error },
    });
  };
}

function isMalformed(error: unknown): error is WatchpostError {
  return error instanceof WatchpostError && error.kind === 'malformed';
}
