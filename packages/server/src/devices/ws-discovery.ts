import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { type Clock, sleep } from '@watchpost/base/clock.ts';
import { type DiscoveredDevice, parseProbeMatch, writeProbe } from '@watchpost/media/onvif/ws-discovery.ts';

/** How to ask; all but the clock has the values of the standard. */
export interface DiscoveryOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** How long answers are collected. Default 3000 ms. */
  readonly waitMs?: number;
  /** Default 239.255.255.250 (WS-Discovery §2.4). */
  readonly group?: string;
  /** Default 3702. */
  readonly port?: number;
  /** Addresses of this machine to ask from. Default: one socket for each of its IPv4 addresses. */
  readonly addresses?: readonly string[];
}

const resendAfterMs = 300;
const maxDevices = 1000;
const maxMessageBytes = 32 * 1024;

/**
 * Asks the network for cameras by WS-Discovery (2005/04), on every interface, twice with each of the two questions that
 * devices answer to: some know only `NetworkVideoTransmitter`, some only `Device`. Never throws: no answer is an answer.
 */
export async function discoverDevices(options: DiscoveryOptions): Promise<readonly DiscoveredDevice[]> {
  const found = new Map<string, DiscoveredDevice>();
  const sockets: Socket[] = [];
  const { clock, signal, waitMs = 3000 } = options;
  try {
    for (const address of options.addresses ?? localAddresses()) {
      const socket = await openSocket(address).catch(() => undefined);
      if (!socket) continue;
      sockets.push(socket);
      socket.on('message', (message, from) => {
        if (found.size >= maxDevices || message.length > maxMessageBytes) return;
        const device = parseProbeMatch(message.toString('utf8'), from.address);
        if (device) found.set(device.host, { ...found.get(device.host), ...device });
      });
    }
    ask(sockets, options);
    await sleep(clock, Math.min(resendAfterMs, waitMs), signal);
    ask(sockets, options);
    await sleep(clock, Math.max(waitMs - resendAfterMs, 0), signal);
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    for (const socket of sockets) socket.close();
  }
  return [...found.values()].sort((a, b) => a.host.localeCompare(b.host, 'en', { numeric: true }));
}

function ask(sockets: readonly Socket[], { group = '239.255.255.250', port = 3702 }: DiscoveryOptions): void {
  for (const socket of sockets)
    for (const type of ['dn:NetworkVideoTransmitter', 'tds:Device'])
      socket.send(writeProbe(type, randomUUID()), port, group, () => {});
}

function openSocket(address: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address, port: 0 }, () => {
      socket.removeAllListeners('error');
      // Without a route a send fails later on: that interface has no cameras then.
      socket.on('error', () => {});
      try {
        socket.setMulticastInterface(address);
        socket.setMulticastTTL(1);
      } catch {
        // Loopback on some systems has no multicast; unicast still works.
      }
      resolve(socket);
    });
  });
}

function localAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
}
