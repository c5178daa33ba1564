import { networkInterfaces } from 'node:os';
import { type BindAddress, formatBind } from './bind-address.ts';

/** Addresses at which people reach a listener, the ones of the LAN first where it listens on all. `HOST:PORT` each. */
export function reachableAddresses({ host, port }: BindAddress, interfaces = networkInterfaces()): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [formatBind({ host, port })];
  const found = Object.values(interfaces)
    .flatMap((entries) => entries ?? [])
    .filter((entry) => entry.family === 'IPv4' || (host === '::' && !entry.address.startsWith('fe80:')));
  const outside = found.filter((entry) => !entry.internal).map((entry) => entry.address);
  return ['localhost', ...outside].map((address) => formatBind({ host: address, port }));
}
