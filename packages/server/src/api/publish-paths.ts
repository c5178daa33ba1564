import { WatchpostError } from '@watchpost/base/errors.ts';
import type { ApiStream } from '../catalog/definitions/stream-definitions.ts';
import type { PublishPaths } from '../hub/types.ts';
import { FieldError } from '../net/problem.ts';
import type { ApiDependencies } from './dependencies.ts';

/** Where publishers send a stream, by what a source names besides addresses and logins. Throws `FieldError`. */
export function publishPathOf(
  source: Readonly<Record<string, unknown>>,
  { field, paths }: { field: string; paths: PublishPaths | undefined },
): string | undefined {
  const { url, username: _user, password: _password, sub_url: _sub, ...fields } = source;
  try {
    const path = paths?.read(fields);
    if (path === undefined || url === undefined) return path;
  } catch (error) {
    if (error instanceof WatchpostError) throw new FieldError([{ field, message: error.message }], error.code);
    throw error;
  }
  throw new FieldError([{ field, message: 'either "url" (we pull it), or where somebody publishes it' }]);
}

/** Throws `conflict` (`PUBLISH_PATH_TAKEN`) where publishers would not know which of two streams is meant. */
export function refuseTakenPath(
  { id, protocol, publishPath }: ApiStream,
  { hub, ingestProtocols }: Pick<ApiDependencies, 'hub' | 'ingestProtocols'>,
): void {
  const taken = hub.list().find(({ id: other, definition }) => {
    const own = ingestProtocols.find(({ name }) => name === protocol)?.publishPaths?.of(other);
    const theirs = ingestProtocols.find(({ name }) => name === definition.protocol)?.publishPaths?.of(id);
    const { publishPath: path } = definition;
    const isSame = publishPath !== undefined && path === publishPath && definition.protocol === protocol;
    return other !== id && (isSame || (path ?? '') === theirs || (publishPath ?? '') === own);
  });
  if (taken === undefined) return;
  throw new WatchpostError(`the stream "${taken.id}" is published there already — choose another place, or id`, {
    kind: 'conflict',
    code: 'PUBLISH_PATH_TAKEN',
  });
}
