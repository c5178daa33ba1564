import { WatchpostError } from '@watchpost/base/errors.ts';
import { authorityOf } from '@watchpost/base/source-url.ts';

/** Where to listen. */
export interface BindAddress {
  /** Address without brackets; `0.0.0.0` and `::` are all of the machine's. */
  readonly host: string;
  /** 0…65535; 0 lets the system choose. */
  readonly port: number;
}

/**
 * Parses "0.0.0.0:8080", "[::]:8080", "localhost:8080" or ":8080" (all addresses). Throws `invalid_argument`
 * (`BIND_INVALID`).
 */
export function parseBind(text: string): BindAddress {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535)
    throw new WatchpostError(`"${text}" is not an address to listen on — write it as "0.0.0.0:8080" or "[::]:8080"`, {
      kind: 'invalid_argument',
      code: 'BIND_INVALID',
    });
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
}

/** The text that `parseBind` reads. */
export function formatBind({ host, port }: BindAddress): string {
  return authorityOf(host, port);
}
