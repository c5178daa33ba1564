import { toWatchpostError } from '@watchpost/base/errors.ts';
import type { WebhookSettings } from './section.ts';
import { Webhook, type WebhookParts, type WebhookState } from './webhook.ts';

/** All receivers of events, as the configuration lists them. */
export class Webhooks implements AsyncDisposable {
  readonly #parts: WebhookParts;
  readonly #unsubscribe: () => void;
  #hooks = new Map<string, Webhook>();

  constructor(parts: WebhookParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.events.onSettled((event) => {
      for (const hook of this.#hooks.values()) hook.offer(event);
    });
  }

  /** Counters of each hook; no two have one name. */
  get states(): readonly WebhookState[] {
    const names = new Set<string>();
    return [...this.#hooks.values()].map(({ state }) => {
      let name = state.name;
      for (let i = 2; names.has(name); i++) name = `${state.name}-${i}`;
      names.add(name);
      return { ...state, name };
    });
  }

  /** Brings the hooks to the configuration; one whose address stays keeps what waits, that of the others is forgotten. */
  configure(settings: readonly WebhookSettings[]): void {
    const { store, logger } = this.#parts;
    const before = this.#hooks;
    this.#hooks = new Map();
    for (const one of settings) {
      const known = before.get(one.url);
      known?.configure(one);
      this.#hooks.set(one.url, known ?? new Webhook(one, this.#parts));
      before.delete(one.url);
    }
    const gone = [...before.values()].map((hook) => hook.close());
    const urls = [...this.#hooks.keys()];
    Promise.all(gone)
      .then(() => store.keepOnly(urls))
      .catch((thrown) => logger.warn('Old webhooks are not forgotten', { error: toWatchpostError(thrown).message }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    await Promise.all([...this.#hooks.values()].map((hook) => hook.close()));
  }
}
