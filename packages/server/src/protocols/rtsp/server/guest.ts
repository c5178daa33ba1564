import type { WatchpostError } from '@watchpost/base/errors.ts';

/** Whoever is connected, from the first byte on. */
export interface Guest {
  /** It has set nothing up: where places run out, it makes room. */
  readonly isStranger?: boolean;
  /** Once a second. */
  tick(nowMs: number): void;
  /** Ends whatever it does, and the connection. */
  end(reason: WatchpostError): void;
}
