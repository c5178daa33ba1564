import type { RecordedSource } from '../../../catalog/recorded-source.ts';
import type { StreamHub } from '../../../hub/stream-hub.ts';
import type { ListenContext } from '../../../hub/types.ts';
import { Certificate } from '../../../net/certificate.ts';
import { RtspListener } from './listener.ts';
import type { PlayerCounts } from './player.ts';
import { type RtspSettings, rtspSettings } from './settings.ts';

/** A server that runs, on the ports that could be had. */
export interface ServedRtsp extends AsyncDisposable {
  readonly listener: RtspListener;
  /** Missing where the port could not be had. */
  readonly port: number | undefined;
}

/** Listens as `[protocols.rtsp]` says. A port that cannot be had is logged: cameras, console and recorder work without. */
export async function serveRtsp(
  hub: StreamHub,
  context: ListenContext,
  options: { readonly serverName: string; readonly counts: PlayerCounts; readonly recordings?: RecordedSource },
): Promise<ServedRtsp> {
  const settings = rtspSettings(context.section);
  const stack = new AsyncDisposableStack();
  const listener = stack.use(new RtspListener(hub, context, { ...options, settings }));
  const port = await tryListening(context, async () => {
    const bound = await listener.listen(settings.bind);
    context.logger.info('Listening', { host: bound.host, port: bound.port });
    return bound.port;
  });
  const { tls } = settings;
  if (tls !== undefined) await tryListening(context, () => listenTls(listener, { tls, context, stack }));
  return { listener, port, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function listenTls(
  listener: RtspListener,
  parts: { tls: NonNullable<RtspSettings['tls']>; context: ListenContext; stack: AsyncDisposableStack },
): Promise<void> {
  const { tls, context, stack } = parts;
  const certificate = stack.use(await Certificate.open(tls.files, context));
  const bound = await listener.listen(tls.bind, certificate);
  context.logger.info('Listening', { host: bound.host, port: bound.port, tls: true });
}

async function tryListening<T>({ logger }: ListenContext, listen: () => Promise<T>): Promise<T | undefined> {
  try {
    return await listen();
  } catch (thrown) {
    logger.error((thrown as Error).message, { error: thrown });
    return undefined;
  }
}
