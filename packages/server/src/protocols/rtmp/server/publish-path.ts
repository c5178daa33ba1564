import { WatchpostError } from '@watchpost/base/errors.ts';
import type { PublishPaths } from '../../../hub/types.ts';

const maxLength = 200;

/** `{app, stream}` of a source: `rtmp://SERVER/APP/STREAM`. */
export const publishPaths: PublishPaths = {
  read: ({ app, stream, ...others }) => {
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw invalid(`"${unknown}" is unknown`);
    if (app === undefined && stream === undefined) return undefined;
    if (!isPath(app)) throw invalid('"app" is no application');
    if (!isPath(stream) || stream.includes('/')) throw invalid('"stream" is no stream key');
    return `${app}/${stream}`;
  },
  of: (streamId) => `live/${streamId}`,
};

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxLength && /^[\w.~-]+(\/[\w.~-]+)*$/.test(value);
}

function invalid(what: string): WatchpostError {
  return new WatchpostError(
    `${what} — name "app" and "stream", both of A-Z, a-z, 0-9, "_", "-", "." and "~" ("app" may have "/" inside)`,
    { kind: 'invalid_argument', code: 'PUBLISH_PATH_INVALID' },
  );
}
