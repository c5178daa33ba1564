import { WatchpostError } from '@watchpost/base/errors.ts';
import type { ApiStream } from '../catalog/definitions/stream-definitions.ts';
import type { PublishPaths } from '../hub/types.ts';
import { FieldError } from '../net/problem.ts';
import type { ApiDependencies, IngestProtocol } from './dependencies.ts';

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

/** The publishers' path of a stream after `PATCH`: null takes it away. Throws `FieldError` where it cannot have one. */
export function patchedPublishPath(
  asked: string | null | undefined,
  { sources, protocol, publishPath }: Pick<ApiStream, 'sources' | 'protocol' | 'publishPath'>,
  protocols: readonly IngestProtocol[],
): string | undefined {
  const refuse = (message: string, code?: string) => new FieldError([{ field: 'publish_path', message }], code);
  if (asked === undefined || asked === null) return asked === null || sources.length > 0 ? undefined : publishPath;
  if (sources.length > 0) throw refuse('this stream is pulled from its "source_url" — nobody can publish it');
  const paths = protocols.find(({ name }) => name === protocol)?.publishPaths;
  if (!paths) throw refuse(`publishers by "${protocol}" name the stream by its id alone — leave this out`);
  try {
    return paths.check(asked);
  } catch (error) {
    if (error instanceof WatchpostError) throw refuse(error.message, error.code);
    throw error;
  }
}

/** Throws `conflict` (`PUBLISH_PATH_TAKEN`) where publishers would not know which of two streams is meant. */
export function refuseTakenPath(
  { id, protocol, publishPath }: ApiStream,
  { hub, ingestProtocols }: Pick<ApiDependencies, 'hub' | 'ingestProtocols'>,
): void {
  const protocols = ingestProtocols();
  const taken = hub.list().find(({ id: other, definition }) => {
    const own = protocols.find(({ name }) => name === protocol)?.publishPaths?.of(other);
    const theirs = protocols.find(({ name }) => name === definition.protocol)?.publishPaths?.of(id);
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
