import type { WatchpostError } from '@watchpost/base/errors.ts';

const byKind: Readonly<Partial<Record<WatchpostError['kind'], number>>> = {
  canceled: 1001,
  unauthenticated: 4401,
  forbidden: 4403,
  not_found: 4404,
};

/**
 * Close code of a WebSocket that ends for `reason` (RFC 6455 §7.4): 1001 where the server goes away, else one of those for
 * applications: 4401, 4403 and 4404 as HTTP would answer, 4500 for the rest.
 */
export function closeCodeOf(reason: WatchpostError): number {
  return byKind[reason.kind] ?? 4500;
}
