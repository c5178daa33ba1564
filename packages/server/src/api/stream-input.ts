import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseSourceUrl, redactTarget, redactUrl, type SourceUrl } from '@watchpost/base/source-url.ts';
import type { z } from 'zod';
import type { ApiStream } from '../catalog/definitions/stream-definitions.ts';
import { FieldError } from '../net/problem.ts';
import { tunnelUrl } from './adopt-cameras.ts';
import { withCheckedAddresses } from './check-addresses.ts';
import type { ApiDependencies, IngestProtocol } from './dependencies.ts';
import { patchedPublishPath, publishPathOf } from './publish-paths.ts';
import { recordingOf } from './recording-input.ts';
import type { ingestSchema, newStreamSchema, streamPatchSchema } from './schemas/streams.ts';

type Protocols = readonly IngestProtocol[];

const streamFields = { source: 'source_url', sub: 'sub_url' };

/** What reading a stream needs to know. */
type InputDependencies = Pick<ApiDependencies, 'ingestProtocols' | 'schedules'>;

/** Credentials as a request has them: null takes them away. */
interface Credentials {
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
}

/** The stream that `POST /streams` asks for. Throws `FieldError` naming what is wrong. */
export function newToStream(input: z.output<typeof newStreamSchema>, deps: InputDependencies): ApiStream {
  const protocols = deps.ingestProtocols();
  refuseSubId(input.stream_id);
  const source = parseField('source_url', input.source_url, input);
  const stream: ApiStream = {
    id: input.stream_id,
    title: input.title ?? input.stream_id,
    protocol: protocolOf(input.protocol, { source, protocols, field: 'source_url' }),
    sources: [source, ...input.fallback_urls.map((url) => parseSub('fallback_urls', url, source))],
    subSource: input.sub_url === undefined ? undefined : parseSub('sub_url', input.sub_url, source),
    push: parseTargets(input.push, []),
    // As in the configuration: what is recorded without a pause is pulled without a pause.
    ...recordingOf(input, { record: !input.on_demand, recording: undefined }, deps.schedules),
    onDemand: input.on_demand,
  };
  return withCheckedAddresses(stream, { protocols, fields: streamFields });
}

/** The stream that `POST /streams/ingest` asks for. */
export function ingestToStream(asked: z.output<typeof ingestSchema>, deps: InputDependencies): ApiStream {
  const input = asked.protocol === 'tunnel' ? throughTunnel(asked) : asked;
  const protocols = deps.ingestProtocols();
  refuseSubId(input.stream_id);
  const body = input.source[input.protocol];
  if (body === undefined)
    throw new FieldError([
      { field: `source.${input.protocol}`, message: 'is missing: say where the stream comes from' },
    ]);
  const known = protocols.find(({ name }) => name === input.protocol);
  if (known === undefined) throw unknownProtocol(input.protocol, protocols);
  const fields = body as { url?: unknown; username?: unknown; password?: unknown; sub_url?: unknown };
  const naming = { field: `source.${input.protocol}`, paths: known.publishPaths };
  const publishPath = publishPathOf(body as Readonly<Record<string, unknown>>, naming);
  if (fields.url === undefined && known.takesPublishers) return { ...waitingStream(input, deps), publishPath };
  if (typeof fields.url !== 'string')
    throw new FieldError([{ field: `source.${input.protocol}.url`, message: 'an address is needed, as text' }]);
  const field = `source.${input.protocol}.url`;
  const source = parseField(field, fields.url, {
    username: textOrUndefined(fields.username),
    password: textOrUndefined(fields.password),
  });
  const subUrl = textOrUndefined(fields.sub_url);
  const subField = `source.${input.protocol}.sub_url`;
  const stream: ApiStream = {
    id: input.stream_id,
    title: input.title ?? input.stream_id,
    protocol: protocolOf(input.protocol, { source, protocols, field }),
    sources: [source],
    subSource: subUrl === undefined ? undefined : parseSub(subField, subUrl, source),
    push: [],
    ...recordingOf(input, { record: true, recording: undefined }, deps.schedules),
    onDemand: false,
  };
  return withCheckedAddresses(stream, { protocols, fields: { source: field, sub: subField } });
}

/** A port behind an agent, as the address that it is pulled from. */
function throughTunnel(input: z.output<typeof ingestSchema>): z.output<typeof ingestSchema> {
  const { tunnel } = input.source;
  if (!tunnel) throw new FieldError([{ field: 'source.tunnel', message: 'is missing: name the agent' }]);
  const { agent_id, port, path, sub_path, username, password } = tunnel;
  const rtsp = {
    url: tunnelUrl(agent_id, port, path),
    ...(sub_path !== undefined && { sub_url: tunnelUrl(agent_id, port, sub_path) }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  };
  return { ...input, protocol: 'rtsp', source: { rtsp } };
}

/** A stream without a source, which somebody will publish. */
function waitingStream(input: z.output<typeof ingestSchema>, { schedules }: InputDependencies): ApiStream {
  const { stream_id: id, title = id, protocol } = input;
  const rules = recordingOf(input, { record: true, recording: undefined }, schedules);
  return { id, title, protocol, sources: [], subSource: undefined, push: [], ...rules, onDemand: false };
}

/** The stream after `PATCH`: what is not given stays; credentials stay as well when only the address changes. */
export function patchedStream(
  known: ApiStream,
  patch: z.output<typeof streamPatchSchema>,
  deps: InputDependencies,
): ApiStream {
  const protocols = deps.ingestProtocols();
  // One of its addresses may become the first: it brings its login along.
  const before = known.sources.find(({ url }) => redactUrl(url) === patch.source_url) ?? known.sources[0];
  const url = before && redactUrl(before.url) === patch.source_url ? before.url : patch.source_url;
  const source = patchedSource('source_url', before, { ...patch, url });
  const subSource =
    patch.sub_url === null
      ? undefined
      : patch.sub_url !== undefined
        ? parseSub('sub_url', patch.sub_url, source ?? known.subSource)
        : patchedSource('sub_url', known.subSource, { username: patch.username, password: patch.password });
  const stream: ApiStream = {
    ...known,
    title: patch.title ?? known.title,
    protocol: source ? protocolOf(known.protocol, { source, protocols, field: 'source_url' }) : known.protocol,
    sources: source ? [source, ...fallbacks(patch.fallback_urls, known, source)] : known.sources,
    subSource,
    push: patch.push ? parseTargets(patch.push, known.push) : known.push,
    ...recordingOf(patch, known, deps.schedules),
    onDemand: patch.on_demand ?? known.onDemand,
  };
  const publishPath = patchedPublishPath(patch.publish_path, stream, protocols);
  return withCheckedAddresses({ ...stream, publishPath }, { protocols, fields: streamFields, known });
}

/** Targets as a request has them; one that is written as the API shows it is the one that is known. */
function parseTargets(urls: readonly string[], known: readonly SourceUrl[]): readonly SourceUrl[] {
  return urls.map((url, index) => {
    const same = known.find((target) => redactTarget(target.url) === url);
    return same ?? parseField(`push.${index}`, url, {});
  });
}

/** Further sources after `PATCH`; one written as the API shows it keeps its login. */
function fallbacks(urls: readonly string[] | undefined, known: ApiStream, source: SourceUrl): readonly SourceUrl[] {
  if (urls === undefined) return known.sources.slice(1);
  return urls.map(
    (url) => known.sources.find((one) => redactUrl(one.url) === url) ?? parseSub('fallback_urls', url, source),
  );
}

function patchedSource(
  field: string,
  before: SourceUrl | undefined,
  patch: Credentials & { readonly url?: string | undefined },
): SourceUrl | undefined {
  const url = patch.url ?? before?.url;
  if (url === undefined) return undefined;
  const parsed = parseField(field, url, {});
  // A password goes only to the host that it was given for.
  const kept = patch.url === undefined || parsed.host === before?.host ? before : undefined;
  const username = chosen(patch.username, parsed.username ?? kept?.username);
  const password = chosen(patch.password, parsed.password ?? kept?.password);
  const { username: _u, password: _p, ...bare } = parsed;
  return { ...bare, ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) };
}

function chosen(given: string | null | undefined, otherwise: string | undefined): string | undefined {
  return given === null ? undefined : (given ?? otherwise);
}

/** The second quality has the credentials of the first, where it is the same host and says nothing else. */
function parseSub(field: string, url: string, main: SourceUrl | undefined): SourceUrl {
  const parsed = parseField(field, url, {});
  if (parsed.username !== undefined || !main || parsed.host !== main.host) return parsed;
  return parseField(field, url, main);
}

/** Parses an address; what is wrong with it is told under the field's name. */
export function parseField(field: string, url: string, credentials: Credentials): SourceUrl {
  try {
    return parseSourceUrl(url.trim(), {
      ...(credentials.username ? { username: credentials.username } : {}),
      ...(credentials.password ? { password: credentials.password } : {}),
    });
  } catch (error) {
    if (error instanceof WatchpostError) throw new FieldError([{ field, message: error.message }], error.code);
    throw error;
  }
}

/** The protocol that takes an address. `protocol` may be left at its default: the scheme decides then. */
function protocolOf(
  wanted: string,
  { source, protocols, field }: { source: SourceUrl; protocols: Protocols; field: string },
): string {
  const known = protocols.find(({ name }) => name === wanted);
  if (known?.schemes.includes(source.scheme)) return known.name;
  if (!known) throw unknownProtocol(wanted, protocols);
  const other = protocols.find(({ schemes }) => schemes.includes(source.scheme));
  if (other && wanted === 'rtsp') return other.name;
  const schemes = known.schemes.map((scheme) => `${scheme}://`).join(', ');
  throw new FieldError([{ field, message: `"${wanted}" takes ${schemes}, not "${source.scheme}:"` }], 'SCHEME_UNKNOWN');
}

function unknownProtocol(wanted: string, protocols: Protocols): FieldError {
  const names = protocols.map(({ name }) => name).join(', ');
  return new FieldError([{ field: 'protocol', message: `"${wanted}" is not one of: ${names}` }], 'PROTOCOL_UNKNOWN');
}

function refuseSubId(id: string): void {
  if (!id.endsWith('.sub')) return;
  throw new FieldError([
    { field: 'stream_id', message: 'an id that ends in ".sub" is a second quality: use "sub_url" of the main stream' },
  ]);
}

function textOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
