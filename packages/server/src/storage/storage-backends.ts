import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { StorageBackend } from '../catalog/types.ts';
import type { StorageBackendConfig } from '../config/types.ts';
import { LocalStorage } from './local/local-storage.ts';
import type { VolumeRegistry } from './local/volume.ts';

const heldAfterMs = 1000;

/** What backends are opened with. */
export interface StorageBackendsOptions {
  readonly registry: VolumeRegistry;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A backend that is open, with what may be kept on it. */
export interface OpenBackend extends Pick<StorageBackendConfig, 'retentionDays' | 'minFree' | 'maxBytes'> {
  readonly backend: StorageBackend;
}

/** The backends that the configuration names, open; they change with it. */
export class StorageBackends implements AsyncDisposable {
  readonly #options: StorageBackendsOptions;
  readonly #byName = new Map<string, StorageBackend>();
  #open: readonly { readonly config: StorageBackendConfig; readonly backend: LocalStorage }[] = [];
  readonly #givenUp = new Set<LocalStorage>();

  constructor(options: StorageBackendsOptions) {
    this.#options = options;
  }

  /** In order of preference; the map itself changes. */
  get byName(): ReadonlyMap<string, StorageBackend> {
    return this.#byName;
  }

  /**
   * Something has had no answer for a second. No process should be started then: the child closes the files that it
   * inherits before it runs, which FUSE and NFS let it wait for, and Node stands still until it runs.
   */
  get isHeld(): boolean {
    const all = [...this.#open.map(({ backend }) => backend), ...this.#givenUp];
    return all.some(({ heldMs }) => heldMs > heldAfterMs);
  }

  /** In order of preference. */
  get places(): readonly OpenBackend[] {
    return this.#open.map(({ config: { retentionDays, minFree, maxBytes }, backend }) => ({
      ...{ backend, retentionDays, minFree },
      ...(maxBytes !== undefined && { maxBytes }),
    }));
  }

  /**
   * Opens those that are not open yet; a volume that is missing, or another server's, is waited for. Returns those that
   * are no more named, or are elsewhere now: nobody finds them any longer, but they stay open until they are closed.
   */
  async configure(wanted: readonly StorageBackendConfig[]): Promise<readonly LocalStorage[]> {
    const before = this.#open;
    const open: { config: StorageBackendConfig; backend: LocalStorage }[] = [];
    for (const config of wanted) {
      const known = before.find((one) => one.config.name === config.name && one.config.basePath === config.basePath);
      open.push({ config, backend: known?.backend ?? (await LocalStorage.open({ ...this.#options, ...config })) });
    }
    this.#open = open;
    this.#byName.clear();
    for (const { config, backend } of open) this.#byName.set(config.name, backend);
    const gone = before.map(({ backend }) => backend).filter((one) => !open.some(({ backend }) => backend === one));
    for (const backend of gone) this.#givenUp.add(backend);
    return gone;
  }

  /** Lets go of a backend that was given up, and of its lock. */
  async close(backend: LocalStorage): Promise<void> {
    const { logger } = this.#options;
    const { name } = backend;
    try {
      await backend[Symbol.asyncDispose]();
      this.#givenUp.delete(backend);
      logger.info('a storage volume is let go of', { backend: name });
    } catch (error) {
      logger.error('a storage volume could not be let go of', { backend: name, error: String(error) });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const backend of [...this.#open.map((one) => one.backend), ...this.#givenUp])
      await backend[Symbol.asyncDispose]();
  }
}
