import { isIP } from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';

/** Where datagrams come in. */
export interface UdpAddress {
  /** One of ours, `0.0.0.0` or `::` for all, or a multicast group. */
  readonly host: string;
  readonly port: number;
  readonly isMulticast: boolean;
  /** Only packets from here count. */
  readonly source: string | undefined;
  /** Our address in the network that the group is joined in. */
  readonly interface: string | undefined;
}

/** Reads `udp://HOST:PORT?source=ADDRESS&interface=ADDRESS`. Throws `invalid_argument` (`UDP_ADDRESS`) with the cure. */
export function parseUdpAddress({ host, port, path }: SourceUrl): UdpAddress {
  const query = new URLSearchParams(path.slice(path.indexOf('?') < 0 ? path.length : path.indexOf('?')));
  const address = {
    host,
    source: query.get('source') ?? undefined,
    interface: query.get('interface') ?? query.get('localaddr') ?? undefined,
  };
  for (const one of [host, address.source, address.interface]) {
    if (one !== undefined && isIP(one) === 0) throw invalid(`"${one}" is not an IP address`);
  }
  if (port === undefined) throw invalid('the port is missing');
  const first = host.includes(':') ? Number.parseInt(host.slice(0, 2), 16) : Number(host.split('.')[0]);
  const isMulticast = host.includes(':') ? first === 0xff : first >= 224 && first <= 239;
  return { ...address, port, isMulticast };
}

function invalid(what: string): WatchpostError {
  return new WatchpostError(
    `${what} — write "udp://0.0.0.0:5000" for what is sent to this machine, "udp://239.1.2.3:5000" for a group`,
    { kind: 'invalid_argument', code: 'UDP_ADDRESS' },
  );
}
