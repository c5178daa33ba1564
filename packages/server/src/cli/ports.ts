import { createServer } from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { BindAddress } from '../net/bind-address.ts';

/** True if a TCP listener could bind there now. */
export function isFree({ host, port }: BindAddress): Promise<boolean> {
  return bindError({ host, port }).then((error) => error?.code !== 'EADDRINUSE');
}

/** Why a TCP listener could not bind there now; undefined where it could. */
export function bindError({ host, port }: BindAddress): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** The next port above that is free; at most 100 are tried. */
export async function nextFreePort({ host, port }: BindAddress): Promise<number> {
  for (let next = port + 1; next <= Math.min(port + 100, 65_535); next++)
    if (await isFree({ host, port: next })) return next;
  throw new WatchpostError(`ports ${port} to ${port + 100} are all taken — name another in http.bind`, {
    kind: 'unavailable',
    code: 'PORT_TAKEN',
  });
}
