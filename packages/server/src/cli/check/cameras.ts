import { systemClock } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { Config } from '../../config/types.ts';
import type { Protocol } from '../../hub/types.ts';
import { dialTcp } from '../../net/dial.ts';
import type { Finding } from './finding.ts';

const TIMEOUT_MS = 10_000;
/** Asked at the same time; more would look like an attack to some switches. */
const AT_ONCE = 8;

/** Each address of each camera: what is there, or why not. */
export async function checkCameras(config: Config, protocols: readonly Protocol[]): Promise<Finding[]> {
  const asked = config.cameras.flatMap(({ id, sources, subSource }) => [
    ...sources.map((source, i) => ({ what: `camera ${id}${sources.length > 1 ? ` (${i + 1})` : ''}`, source })),
    ...(subSource ? [{ what: `camera ${id}.sub`, source: subSource }] : []),
  ]);
  const findings: Finding[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < asked.length; i = next++) findings[i] = await checkSource(asked[i]!, config, protocols);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return findings;
}

async function checkSource(
  { what, source }: { what: string; source: SourceUrl },
  config: Config,
  protocols: readonly Protocol[],
): Promise<Finding> {
  const protocol = protocols.find(({ schemes }) => schemes.includes(source.scheme));
  if (!protocol?.describe) return { status: 'odd', what, text: `"${source.scheme}:" cannot be tried by this build` };
  const timeout = new AbortController();
  const timer = setTimeout(
    () =>
      timeout.abort(
        new WatchpostError(`${source.host} did not answer within ${TIMEOUT_MS / 1000} s — is this the right port?`, {
          kind: 'timeout',
          code: 'CHECK_TIMEOUT',
        }),
      ),
    TIMEOUT_MS,
  );
  try {
    const { tracks, server } = await protocol.describe(source, {
      clock: systemClock,
      logger: silentLogger,
      signal: timeout.signal,
      dial: dialTcp,
      section: config.protocols.sections[protocol.name] ?? {},
    });
    const text = `${tracks.map(describeTrack).join(' + ')}${server === undefined ? '' : ` (${server})`}`;
    if (tracks.some(({ kind }) => kind === 'video')) return { status: 'fine', what, text };
    return { status: 'odd', what, text: `${text || 'no tracks'}; no video`, cure: 'check the path of the address' };
  } catch (error) {
    const [text, ...cure] = toWatchpostError(error).message.split(' — ');
    return cure.length > 0
      ? { status: 'bad', what, text: text!, cure: cure.join(' — ') }
      : { status: 'bad', what, text: text! };
  } finally {
    clearTimeout(timer);
  }
}

function describeTrack({ codec, width, height, sampleRate }: Track): string {
  if (width !== undefined && height !== undefined) return `${codec} ${width}×${height}`;
  return sampleRate === undefined ? codec : `${codec} ${sampleRate} Hz`;
}
