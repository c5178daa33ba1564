import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Grant } from './types.ts';

/** What a revoked login ends with. */
export const withdrawn = new WatchpostError('the token was revoked', {
  kind: 'unauthenticated',
  code: 'ACCESS_REVOKED',
});

/** Leave that a test withdraws. */
export class TestGrant implements Grant {
  readonly #ends = new Set<(reason: WatchpostError) => void>();

  /** How many want to hear of its end; none are left when all sessions are over. */
  get watched(): number {
    return this.#ends.size;
  }

  onEnd(end: (reason: WatchpostError) => void): () => void {
    const own = (reason: WatchpostError) => end(reason);
    this.#ends.add(own);
    return () => this.#ends.delete(own);
  }

  withdraw(): void {
    for (const end of [...this.#ends]) {
      this.#ends.delete(end);
      end(withdrawn);
    }
  }
}
