import type { RecordedSource } from '../../../catalog/recorded-source.ts';
import type { StreamHub } from '../../../hub/stream-hub.ts';
import type { ListenContext } from '../../../hub/types.ts';
import { ProtocolPorts } from '../../../net/protocol-ports.ts';
import { RtspListener } from './listener.ts';
import type { PlayerCounts } from './player.ts';
import { rtspSettings } from './settings.ts';

/** A server that runs, on the ports that could be had. */
export interface ServedRtsp extends AsyncDisposable {
  readonly listener: RtspListener;
  readonly ports: ProtocolPorts;
}

/** Listens as `[protocols.rtsp]` says. A port that cannot be had is logged: cameras, console and recorder work without. */
export async function serveRtsp(
  hub: StreamHub,
  context: ListenContext,
  options: { readonly serverName: string; readonly counts: PlayerCounts; readonly recordings?: RecordedSource },
): Promise<ServedRtsp> {
  const { currentSection = () => context.section } = context;
  const settings = () => rtspSettings(currentSection());
  const stack = new AsyncDisposableStack();
  const listener = stack.use(new RtspListener(hub, context, { ...options, settings }));
  const ports = stack.use(await ProtocolPorts.open({ ...context, protocol: 'rtsp', server: listener, settings }));
  return { listener, ports, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
