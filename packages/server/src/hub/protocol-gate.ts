import { WatchpostError } from '@watchpost/base/errors.ts';
import type { AccessControl, AccessRequest, Grant } from './types.ts';

/** What a gate is made of. */
export interface ProtocolGateOptions {
  /** Name of the protocol, as `protocols.enabled` has it. */
  readonly protocol: string;
  /** Decides who may watch or send what. */
  readonly access: AccessControl;
}

/**
 * Leave to reach streams by one protocol, which may be switched off: then nobody is let in, with `not_found`
 * (`PROTOCOL_DISABLED`), and whoever is in is shown out.
 */
export class ProtocolGate implements AccessControl {
  readonly #options: ProtocolGateOptions;
  readonly #inside = new Set<(reason: WatchpostError) => void>();
  #isOpen: boolean;

  constructor(options: ProtocolGateOptions, isOpen: boolean) {
    this.#options = options;
    this.#isOpen = isOpen;
  }

  /** From now on; those inside are shown out where it is closed. */
  set isOpen(isOpen: boolean) {
    this.#isOpen = isOpen;
    if (isOpen) return;
    const inside = [...this.#inside];
    this.#inside.clear();
    for (const end of inside) end(this.#closed());
  }

  async authorize(request: AccessRequest): Promise<Grant> {
    this.#refuseClosed();
    const grant = await this.#options.access.authorize(request);
    this.#refuseClosed();
    return { onEnd: (end) => this.#enter(grant, end) };
  }

  #enter(grant: Grant, end: (reason: WatchpostError) => void): () => void {
    let hasEnded = false;
    const once = (reason: WatchpostError) => {
      if (hasEnded) return;
      leave();
      end(reason);
    };
    const forget = grant.onEnd(once);
    const leave = () => {
      hasEnded = true;
      this.#inside.delete(once);
      forget();
    };
    this.#inside.add(once);
    // It was closed between the leave and now.
    if (!this.#isOpen) queueMicrotask(() => once(this.#closed()));
    return leave;
  }

  #refuseClosed(): void {
    if (!this.#isOpen) throw this.#closed();
  }

  #closed(): WatchpostError {
    const { protocol } = this.#options;
    return new WatchpostError(`Nothing is served by ${protocol} here — name "${protocol}" in protocols.enabled`, {
      kind: 'not_found',
      code: 'PROTOCOL_DISABLED',
    });
  }
}
