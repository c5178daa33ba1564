import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import { type VendorPaths, vendorPaths } from '@watchpost/media/rtsp/vendor-paths.ts';
import type { z } from 'zod';
import type { SourceDescription } from '../hub/types.ts';
import { FieldError } from '../net/problem.ts';
import type { ApiDependencies } from './dependencies.ts';
import type { probeCandidateSchema, probeResultSchema, probeSchema } from './schemas/streams.ts';
import { parseField } from './stream-input.ts';
import { toReason, toTrackView, visibleUrl } from './stream-view.ts';

const askTimeoutMs = 6000;
/** Cheap cameras serve three or four connections at once. */
const maxAtOnce = 3;

type Describe = ApiDependencies['describe'];
type Quality = 'main' | 'sub' | 'unknown';

interface Attempt {
  readonly source: SourceUrl;
  readonly vendor: string | undefined;
  readonly quality: Quality;
}

interface Outcome extends Attempt {
  readonly description?: SourceDescription;
  readonly error?: WatchpostError;
}

/** Asks an address, or tries the usual addresses at a host. Throws `FieldError` for a question that makes no sense. */
export async function probe(
  input: z.output<typeof probeSchema>,
  deps: Pick<ApiDependencies, 'describe' | 'ingestProtocols'>,
  signal: AbortSignal,
): Promise<z.output<typeof probeResultSchema>> {
  if ((input.url === undefined) === (input.host === undefined))
    throw new FieldError([{ field: 'url', message: 'give either "url" or "host"' }]);
  const outcomes =
    input.url !== undefined
      ? await probeUrl(parseUrl(input.url, input, deps), deps.describe, signal)
      : await probeHost(input.host!, { input, describe: deps.describe, signal });
  return toResult(outcomes);
}

async function probeUrl(source: SourceUrl, describe: Describe, signal: AbortSignal): Promise<Outcome[]> {
  const pair = pairOf(source);
  const main = await ask({ source, vendor: pair?.vendor, quality: pair ? 'main' : 'unknown' }, describe, signal);
  if (!pair || main.error) return [main];
  const sub = await ask({ source: pair.sub, vendor: pair.vendor, quality: 'sub' }, describe, signal);
  return sub.error ? [main] : [main, sub];
}

interface HostProbe {
  readonly input: z.output<typeof probeSchema>;
  readonly describe: Describe;
  readonly signal: AbortSignal;
}

/**
 * The first address alone tells whether the camera is there and whether it takes the password: cameras ask for it before
 * they look at the path. Then main addresses, a few at once, until one answers; then its vendor's second qualities.
 */
async function probeHost(host: string, { input, describe, signal }: HostProbe): Promise<Outcome[]> {
  const vendors = chosenVendors(input.vendor);
  const mains = attempts(host, { input, vendors, quality: 'main' });
  const first = await ask(mains[0]!, describe, signal);
  const outcomes = [first];
  if (!first.error || goesOn(first.error)) {
    if (first.error) outcomes.push(...(await askUntilFound(mains.slice(1), describe, signal)));
    const found = outcomes.filter(({ error }) => !error).map(({ vendor }) => vendor);
    const subs = attempts(host, { input, vendors: vendors.filter(({ id }) => found.includes(id)), quality: 'sub' });
    if (found.length > 0) outcomes.push(...(await askUntilFound(subs, describe, signal)));
  }
  return outcomes;
}

/** Asks a few at once, in order; begins no more once one answered or a failure concerns all of them. */
async function askUntilFound(list: readonly Attempt[], describe: Describe, signal: AbortSignal): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = 0;
  let done = false;
  const work = async () => {
    while (!done && next < list.length && !signal.aborted) {
      const outcome = await ask(list[next++]!, describe, signal);
      outcomes.push(outcome);
      if (!outcome.error || !goesOn(outcome.error)) done = true;
    }
  };
  await Promise.all(Array.from({ length: maxAtOnce }, work));
  return outcomes;
}

/** False where the next address would fail the same way, or cost another of the camera's few log-in attempts. */
function goesOn(error: WatchpostError): boolean {
  return !['unauthenticated', 'forbidden', 'unavailable', 'timeout', 'canceled'].includes(error.kind);
}

async function ask(attempt: Attempt, describe: Describe, signal: AbortSignal): Promise<Outcome> {
  const timeout = AbortSignal.timeout(askTimeoutMs);
  try {
    return { ...attempt, description: await describe(attempt.source, AbortSignal.any([signal, timeout])) };
  } catch (thrown) {
    return { ...attempt, error: toWatchpostError(thrown, 'PROBE_FAILED') };
  }
}

function chosenVendors(id: string | undefined): readonly VendorPaths[] {
  if (id === undefined) return vendorPaths;
  const vendor = vendorPaths.find((entry) => entry.id === id);
  if (vendor) return [vendor];
  const known = vendorPaths.map((entry) => entry.id).join(', ');
  throw new FieldError([{ field: 'vendor', message: `"${id}" is not one of: ${known}` }]);
}

function attempts(
  host: string,
  {
    input,
    vendors,
    quality,
  }: { input: z.output<typeof probeSchema>; vendors: readonly VendorPaths[]; quality: 'main' | 'sub' },
): Attempt[] {
  const seen = new Set<string>();
  return vendors.flatMap((vendor) =>
    vendor[quality].flatMap((path) => {
      if (seen.has(path)) return [];
      seen.add(path);
      return [{ source: parseField('host', `rtsp://${bracketed(host)}${path}`, input), vendor: vendor.id, quality }];
    }),
  );
}

/** An IPv6 address as a URL has it. */
function bracketed(host: string): string {
  const text = host
    .trim()
    .replace(/^rtsp:\/\//i, '')
    .replace(/\/+$/, '');
  return /^[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text) ? `[${text}]` : text;
}

/** The second quality that belongs to an address of a known vendor. */
function pairOf(source: SourceUrl): { vendor: string; sub: SourceUrl } | undefined {
  for (const vendor of vendorPaths) {
    const path = vendor.sub[vendor.main.indexOf(source.path)];
    if (path === undefined) continue;
    const url = source.url.slice(0, source.url.length - source.path.length) + path;
    return { vendor: vendor.id, sub: { ...source, url, path } };
  }
  return undefined;
}

function parseUrl(
  url: string,
  credentials: z.output<typeof probeSchema>,
  deps: Pick<ApiDependencies, 'ingestProtocols'>,
): SourceUrl {
  const source = parseField('url', url, credentials);
  const schemes = deps.ingestProtocols().flatMap((protocol) => protocol.schemes);
  if (schemes.includes(source.scheme)) return source;
  const known = schemes.map((scheme) => `${scheme}://`).join(', ');
  throw new FieldError([{ field: 'url', message: `"${source.scheme}:" is not one of: ${known}` }], 'SCHEME_UNKNOWN');
}

function toResult(outcomes: readonly Outcome[]): z.output<typeof probeResultSchema> {
  const found = outcomes.filter(({ error }) => !error);
  const failed = outcomes.filter(({ error }) => error);
  const server = found.map(({ description }) => description?.server).find((name) => name !== undefined);
  const telling = failed.map(({ error }) => error!).sort((a, b) => tellingRank(a) - tellingRank(b))[0];
  return {
    server: server ?? null,
    candidates: [...found, ...failed].map(toCandidate),
    error: found.length === 0 && telling ? toReason(telling) : null,
  };
}

/** The failure that explains most comes first: a wrong password says more than a wrong path. */
function tellingRank(error: WatchpostError): number {
  const order = ['unauthenticated', 'forbidden', 'timeout', 'unavailable', 'unsupported', 'malformed', 'not_found'];
  const rank = order.indexOf(error.kind);
  return rank < 0 ? order.length : rank;
}

function toCandidate(outcome: Outcome): z.output<typeof probeCandidateSchema> {
  return {
    url: visibleUrl(outcome.source),
    vendor: outcome.vendor ?? null,
    quality: outcome.quality,
    tracks: outcome.description?.tracks.map(toTrackView) ?? [],
    error: outcome.error ? toReason(outcome.error) : null,
  };
}
