import { WatchpostError } from '@watchpost/base/errors.ts';
import type { PublishAddress, PublishPaths, StreamDefinition } from '../../../hub/types.ts';
import type { ListeningPorts } from '../../../net/protocol-ports.ts';

const maxLength = 200;

/** `{app, stream}` of a source: `rtmp://SERVER/APP/STREAM`. */
export const publishPaths: PublishPaths = {
  read: ({ app, stream, ...others }) => {
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw invalid(`"${unknown}" is unknown`);
    if (app === undefined && stream === undefined) return undefined;
    return joined(app, stream);
  },
  check: (path) => {
    const slash = path.lastIndexOf('/');
    return joined(path.slice(0, Math.max(slash, 0)), path.slice(slash + 1));
  },
  of: (streamId) => `live/${streamId}`,
};

/** The addresses on the ports that listen; encoders ask for the last segment apart, as the stream key. */
export function publishAddresses(
  { id, publishPath = publishPaths.of(id) }: Pick<StreamDefinition, 'id' | 'publishPath'>,
  { ports, hostname }: { ports: ListeningPorts; hostname: string },
): readonly PublishAddress[] {
  const slash = publishPath.lastIndexOf('/');
  const app = publishPath.slice(0, slash);
  const key = publishPath.slice(slash + 1);
  const at = (scheme: string, port: number | undefined) =>
    port === undefined ? [] : [{ server: `${scheme}://${hostname}:${port}/${app}`, key }];
  return [...at('rtmp', ports.plain), ...at('rtmps', ports.tls)];
}

function joined(app: unknown, stream: unknown): string {
  if (!isPath(app)) throw invalid('"app" is no application');
  if (!isPath(stream) || stream.includes('/')) throw invalid('"stream" is no stream key');
  return `${app}/${stream}`;
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxLength && /^[\w.~-]+(\/[\w.~-]+)*$/.test(value);
}

function invalid(what: string): WatchpostError {
  return new WatchpostError(
    `${what} — name "app" and "stream", both of A-Z, a-z, 0-9, "_", "-", "." and "~" ("app" may have "/" inside)`,
    { kind: 'invalid_argument', code: 'PUBLISH_PATH_INVALID' },
  );
}
