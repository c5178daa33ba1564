import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import { overTransport } from '../../hub/over-transport.ts';
import type { ProtocolContext, Publish } from '../../hub/types.ts';
import { UnitInput } from '../../hub/unit-input.ts';
import { parseUdpAddress, type UdpAddress } from './address.ts';
import { DatagramReader } from './datagram-reader.ts';

/** Pictures come in bursts; the system's default of about 200 KB drops parts of large ones. */
const receiveBufferBytes = 2 * 1024 * 1024;
const tickEveryMs = 1000;
/** Another sender is believed once the first one has been silent for so long. */
const senderSilentMs = 3000;

/** Counters of all sessions, for the protocol's statistics. */
export interface PullCounters {
  sessions: number;
  bytes: number;
  /** Packets that came from somebody else than the stream. */
  strangers: number;
}

/** Takes what is sent to an address until its signal aborts; rejects with the reason. */
export async function pullUdp(
  { source, context, counters }: { source: SourceUrl; context: ProtocolContext; counters: PullCounters },
  publish: Publish,
): Promise<void> {
  const { clock, signal } = context;
  const address = parseUdpAddress(source);
  const told = overTransport(publish, () => (address.isMulticast ? 'multicast' : 'udp'));
  const reader = new DatagramReader(new UnitInput(told, clock));
  const socket = await bind(address);
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(toWatchpostError(signal.reason));
  let sender = '';
  let heardMs = Number.NEGATIVE_INFINITY;
  socket.on('message', (packet, from) => {
    const nowMs = clock.monotonicMs();
    const name = nameOf(from);
    const isExpected = address.source === undefined || from.address === address.source;
    if (!isExpected || (name !== sender && nowMs - heardMs < senderSilentMs)) {
      counters.strangers++;
      return;
    }
    sender = name;
    heardMs = nowMs;
    counters.bytes += packet.length;
    reader.receive(packet, nowMs);
  });
  socket.on('error', (error) => reject(failed(address, error)));
  let cancelTick = clock.after(tickEveryMs, function tick() {
    reader.tick(clock.monotonicMs());
    cancelTick = clock.after(tickEveryMs, tick);
  });
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  counters.sessions++;
  try {
    await promise;
  } finally {
    counters.sessions--;
    cancelTick();
    signal.removeEventListener('abort', onAbort);
    socket.removeAllListeners('message');
    socket.close();
  }
}

async function bind(address: UdpAddress): Promise<Socket> {
  const { host, port, isMulticast } = address;
  const socket = createSocket({
    type: host.includes(':') ? 'udp6' : 'udp4',
    // Several programs may listen to one group; what is sent to us alone has one reader.
    reuseAddr: isMulticast,
    recvBufferSize: receiveBufferBytes,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      // Bound to the group, other groups on the same port stay out (ip(7)).
      socket.bind({ port, address: host, exclusive: !isMulticast }, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    if (isMulticast && address.source !== undefined) {
      socket.addSourceSpecificMembership(address.source, host, address.interface);
    } else if (isMulticast) socket.addMembership(host, address.interface);
    return socket;
  } catch (thrown) {
    socket.close();
    throw failed(address, thrown as NodeJS.ErrnoException);
  }
}

function nameOf({ address, port }: RemoteInfo): string {
  return `${address} ${port}`;
}

function failed({ host, port }: UdpAddress, cause: NodeJS.ErrnoException): WatchpostError {
  const tell =
    cause.code === 'EADDRINUSE'
      ? 'another program or stream listens there'
      : cause.code === 'EADDRNOTAVAIL' || cause.code === 'ENODEV'
        ? 'this machine has no such address or network: check address and interface'
        : cause.message;
  return new WatchpostError(`udp://${host}:${port} cannot be listened to — ${tell}`, {
    kind: 'unavailable',
    code: 'UDP_BIND_FAILED',
    context: { host, port },
    cause,
  });
}
