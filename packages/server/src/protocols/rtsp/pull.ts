import { toWatchpostError } from '@watchpost/base/errors.ts';
import type { Publish, SourceDescription } from '../../hub/types.ts';
import { CameraSession, type RtspSessionOptions } from './camera-session.ts';
import type { KnownTransports } from './known-transports.ts';
import { pullTransports } from './section.ts';
import type { SharedLogins } from './shared-logins.ts';
import { readSource } from './source-options.ts';
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
  for (const [i, transport] of order.entries()) {
    const hasNext = i + 1 < order.length;
    let hadMedia = false;
    const onMedia = () => {
      hadMedia = true;
      if (i > 0) known.remember(source.url, transport, clock);
    };
    try {
      return await new CameraSession(options, { address, transport, hasNext, onMedia }, publish).run();
    } catch (thrown) {
      const error = toWatchpostError(thrown);
      if (hadMedia || !asksForOtherTransport(error)) throw error;
      known.forget(source.url);
      if (!hasNext || signal.aborted) throw error;
      logger.info('Trying another transport', { host: address.host, transport: order[i + 1], reason: error.message });
    }
  }
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
