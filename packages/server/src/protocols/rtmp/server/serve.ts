import type { StreamHub } from '../../../hub/stream-hub.ts';
import type { ListenContext } from '../../../hub/types.ts';
import { ProtocolPorts } from '../../../net/protocol-ports.ts';
import { rtmpSettings } from '../section.ts';
import { RtmpListener } from './listener.ts';
import type { RtmpCounts } from './server-parts.ts';

/** A server that runs, on the ports that could be had. */
export interface ServedRtmp extends AsyncDisposable {
  readonly listener: RtmpListener;
  readonly ports: ProtocolPorts;
}

/** Listens as `[protocols.rtmp]` says. A port that cannot be had is logged: cameras, console and recorder work without. */
export async function serveRtmp(hub: StreamHub, context: ListenContext, counts: RtmpCounts): Promise<ServedRtmp> {
  const { currentSection = () => context.section } = context;
  const settings = () => rtmpSettings(currentSection());
  const stack = new AsyncDisposableStack();
  const listener = stack.use(new RtmpListener(hub, context, { settings, counts }));
  const ports = stack.use(await ProtocolPorts.open({ ...context, protocol: 'rtmp', server: listener, settings }));
  return { listener, ports, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
