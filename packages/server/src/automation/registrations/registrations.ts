import type { RegistrationStore } from '../../catalog/registration-store.ts';
import type { StreamHub } from '../../hub/stream-hub.ts';
import { type Registrable, Registrar, type RegistrarParts, type RegistrationState } from './registrar.ts';
import type { RegistrationSettings } from './section.ts';

const tickMs = 60_000;

/** One registration for the API. */
export interface RegistrationStatus {
  readonly name: string;
  readonly type: RegistrationSettings['type'];
  readonly url: string;
  readonly failure: string | undefined;
  readonly streams: readonly RegistrationState[];
}

/** What `Registrations` are made with. */
export interface RegistrationsParts extends Omit<RegistrarParts, 'store' | 'list'> {
  readonly store: RegistrationStore;
  readonly hub: Pick<StreamHub, 'list' | 'onChange'>;
  /** The RTSP ports of cameras behind agents. */
  readonly tunnels: () => readonly Registrable[];
}

/** All other systems that our streams are made known to, as the configuration lists them. */
export class Registrations implements AsyncDisposable {
  readonly #parts: RegistrarParts;
  readonly #made: Awaited<ReturnType<RegistrationStore['load']>>;
  readonly #unsubscribe: () => void;
  #registrars = new Map<string, Registrar>();
  #cancelTick: () => void;

  private constructor(parts: RegistrationsParts, made: Awaited<ReturnType<RegistrationStore['load']>>) {
    const { hub, tunnels } = parts;
    const streams = () => hub.list().map(({ id, definition }) => ({ id, title: definition.title }));
    this.#parts = {
      ...parts,
      list: (of) => (of === 'tunnels' ? tunnels() : streams()),
    };
    this.#made = made;
    this.#unsubscribe = hub.onChange(({ type }) => {
      if (type === 'defined' || type === 'removed') this.#each((registrar) => registrar.wake());
    });
    this.#cancelTick = this.#schedule();
  }

  /** Reads what was made before. */
  static async open(parts: RegistrationsParts): Promise<Registrations> {
    return new Registrations(parts, await parts.store.load());
  }

  get status(): readonly RegistrationStatus[] {
    return [...this.#registrars.values()].map(({ settings: { name, type, url }, failure, states }) => ({
      name,
      type,
      url,
      failure,
      streams: states,
    }));
  }

  /** Brings the registrations to the configuration; one that is gone removes what it made. */
  configure(settings: readonly RegistrationSettings[]): void {
    const before = this.#registrars;
    this.#registrars = new Map();
    for (const one of settings) {
      const known = before.get(one.name);
      before.delete(one.name);
      known?.configure(one);
      this.#registrars.set(one.name, known ?? this.#start(one));
    }
    for (const gone of before.values()) void gone.retire();
    this.#tellLeftBehind();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    this.#cancelTick();
    await Promise.all([...this.#registrars.values()].map((registrar) => registrar.close()));
  }

  #start(settings: RegistrationSettings): Registrar {
    const made = this.#made.get(settings.name) ?? new Map();
    this.#made.set(settings.name, made);
    const registrar = new Registrar(settings, this.#parts, made);
    registrar.wake();
    return registrar;
  }

  #each(act: (registrar: Registrar) => void): void {
    for (const registrar of this.#registrars.values()) act(registrar);
  }

  #schedule(): () => void {
    return this.#parts.clock.after(tickMs, () => {
      this.#each((registrar) => registrar.tick());
      this.#cancelTick = this.#schedule();
    });
  }

  /** Without its settings nothing can be removed: somebody has to be told. */
  #tellLeftBehind(): void {
    for (const [name, made] of this.#made) {
      if (made.size === 0 || this.#registrars.has(name)) continue;
      this.#parts.logger.warn('What a registration made is left there: its settings are gone', {
        registration: name,
        streams: made.size,
        cure: 'put its section back, remove it while the server runs, or remove the streams there by hand',
      });
    }
  }
}
