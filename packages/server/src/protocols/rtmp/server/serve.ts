import type { StreamHub } from '../../../hub/stream-hub.ts';
import type { ListenContext } from '../../../hub/types.ts';
import { Certificate } from '../../../net/certificate.ts';
import { type RtmpSettings, rtmpSettings } from '../section.ts';
import { RtmpListener } from './listener.ts';
import type { RtmpCounts } from './server-parts.ts';

/** A server that runs, on the ports that could be had. */
export interface ServedRtmp extends AsyncDisposable {
  readonly listener: RtmpListener;
  /** Missing where the port could not be had. */
  readonly port: number | undefined;
}

/** Listens as `[protocols.rtmp]` says. A port that cannot be had is logged: cameras, console and recorder work without. */
export async function serveRtmp(hub: StreamHub, context: ListenContext, counts: RtmpCounts): Promise<ServedRtmp> {
  const settings = rtmpSettings(context.section);
  const stack = new AsyncDisposableStack();
  const listener = stack.use(new RtmpListener(hub, context, { settings, counts }));
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
  listener: RtmpListener,
  parts: { tls: NonNullable<RtmpSettings['tls']>; context: ListenContext; stack: AsyncDisposableStack },
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
