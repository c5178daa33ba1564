import type { Clock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { MediaTransport } from '@watchpost/media/rtsp/client-setup.ts';

const maxSources = 10_000;
/** After so long the first choice gets another chance. */
const forgetAfterMs = 3_600_000;

/** What worked for a source, and why the one before did not. */
export interface KnownTransport {
  readonly transport: MediaTransport;
  readonly failure: WatchpostError | undefined;
}

/** Which transport worked for a source when the first choice did not, so that each new connection need not find out again. */
export class KnownTransports {
  readonly #known = new Map<string, KnownTransport & { readonly atMs: number }>();

  /** The transports in the order in which to try them. */
  order(url: string, wanted: readonly MediaTransport[], clock: Clock): readonly MediaTransport[] {
    const known = this.#known.get(url);
    if (known === undefined || !wanted.includes(known.transport)) return wanted;
    if (clock.monotonicMs() - known.atMs > forgetAfterMs) {
      this.#known.delete(url);
      return wanted;
    }
    return [known.transport, ...wanted.filter((transport) => transport !== known.transport)];
  }

  /** Why the source does not come by its first choice, where that is known. */
  whyNot(url: string): WatchpostError | undefined {
    return this.#known.get(url)?.failure;
  }

  /** `worked` after others had not. */
  remember(url: string, worked: KnownTransport, clock: Clock): void {
    if (this.#known.size >= maxSources) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(url, { ...worked, atMs: clock.monotonicMs() });
  }

  /** What worked for the source does not any more. */
  forget(url: string): void {
    this.#known.delete(url);
  }
}
