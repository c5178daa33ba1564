import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import type { MediaTransport } from '@watchpost/media/rtsp/client-setup.ts';
import type { Publish, SourceDescription, SourceTransport } from '../../hub/types.ts';
import { CameraSession, type RtspSessionOptions } from './camera-session.ts';
import type { KnownTransports } from './known-transports.ts';
import { pullTransports } from './section.ts';
import type { SharedLogins } from './shared-logins.ts';
import { type RtspSource, readSource } from './source-options.ts';
import { asksForOtherTransport } from './udp-fallback.ts';

/** What pulling needs besides. */
export interface PullOptions extends RtspSessionOptions {
  readonly known: KnownTransports;
  readonly logins: SharedLogins;
}

/**
 * Pulls one camera until its signal aborts or the session ends; rejects with the reason. A transport that does not work
 * is followed by the next one, each on a connection of its own with a new DESCRIBE: Hikvision wants it so.
 */
export async function pullRtsp(options: PullOptions, publish: Publish): Promise<void> {
  const attempt = await options.logins.enter(options.source, options.context);
  let failure: unknown;
  const told: Publish = (...description) => {
    attempt?.accepted();
    return publish(...description);
  };
  try {
    await pullSomehow(options, told);
  } catch (thrown) {
    failure = thrown;
    throw thrown;
  } finally {
    attempt?.ended(failure);
  }
}

async function pullSomehow(options: PullOptions, publish: Publish): Promise<void> {
  const { context, source, known } = options;
  const { clock, logger, signal } = context;
  const address = readSource(source);
  const transports = address.transports ?? pullTransports(context.section);
  const order = known.order(source.url, transports, clock);
  let failure = known.whyNot(source.url);
  for (const [i, transport] of order.entries()) {
    const hasNext = i + 1 < order.length;
    let hadMedia = false;
    const onMedia = () => {
      hadMedia = true;
      if (i > 0) known.remember(source.url, { transport, failure }, clock);
    };
    const told: Publish = (tracks, recycler) =>
      publish(tracks, recycler, transportOf(address, transport, { wanted: transports[0]!, failure }));
    try {
      return await new CameraSession(options, { address, transport, hasNext, onMedia }, told).run();
    } catch (thrown) {
      const error = toWatchpostError(thrown);
      if (hadMedia || !asksForOtherTransport(error)) throw error;
      known.forget(source.url);
      if (!hasNext || signal.aborted) throw error;
      failure = error;
      logger.info('Trying another transport', { host: address.host, transport: order[i + 1], reason: error.message });
    }
  }
}

function transportOf(
  address: RtspSource,
  transport: MediaTransport,
  { wanted, failure }: { readonly wanted: MediaTransport; readonly failure: WatchpostError | undefined },
): SourceTransport {
  const nameOf = (one: MediaTransport) => (one === 'tcp' ? connectionName(address) : one);
  const name = nameOf(transport);
  return transport === wanted ? { name } : { name, insteadOf: { name: nameOf(wanted), reason: failure } };
}

function connectionName({ httpTunnel, tls }: RtspSource): string {
  if (httpTunnel) return tls ? 'https' : 'http';
  return tls ? 'tls' : 'tcp';
}

/** Connects, reads the description and leaves. */
export async function describeRtsp(options: RtspSessionOptions): Promise<SourceDescription> {
  const session = new CameraSession(options, {
    address: readSource(options.source),
    transport: 'tcp',
    hasNext: false,
  });
  await session.run();
  return {
    tracks: session.description.map((entry) => entry.track),
    ...(session.serverName && { server: session.serverName }),
  };
}
