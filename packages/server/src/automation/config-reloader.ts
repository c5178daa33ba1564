import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { EventSink } from '../catalog/types.ts';
import { type ConfigChange, diffConfig } from '../config/diff.ts';
import { type ConfigReading, formatConfigMessage } from '../config/load.ts';
import { configSchema, type ParsedConfig } from '../config/schema.ts';
import { toConfig } from '../config/to-config.ts';
import type { Config, ConfigMessage, ConfigSections } from '../config/types.ts';
import { FieldError } from '../net/problem.ts';

/** What asked for the file to be read again. */
export type ReloadTrigger = 'signal' | 'file' | 'api';

/** What a new reading of the file came to. */
export interface ReloadResult {
  /** Counts from now on. */
  readonly applied: readonly ConfigChange[];
  /** Counts after a restart; the old values go on. */
  readonly restart: readonly ConfigChange[];
  /** What is odd about the file, one line each. */
  readonly warnings: readonly string[];
}

/** What a reloader works with. */
export interface ConfigReloaderOptions {
  /** The settings that the server was started with. */
  readonly settings: ParsedConfig;
  readonly sections: ConfigSections;
  readonly events: EventSink;
  readonly logger: Logger;
  read(): Promise<ConfigReading>;
  /** What is wrong with files that the configuration names, one line each; they count all the same. */
  check(config: Config): Promise<readonly string[]>;
  /** Brings the server to the configuration, which differs from the one before in `changes` only. */
  apply(config: Config, changes: readonly ConfigChange[]): Promise<void>;
}

/** Reads the configuration file again and applies what differs; one reading at a time. */
export class ConfigReloader implements AsyncDisposable {
  readonly #options: ConfigReloaderOptions;
  #running: ParsedConfig;
  /** What the last reading said, so that the watch of a file tells nothing twice. */
  #lastReading = '';
  #work: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor(options: ConfigReloaderOptions) {
    this.#options = options;
    this.#running = options.settings;
  }

  /** Throws `invalid_argument` (`CONFIG_INVALID`) where the file is wrong; then nothing has changed. */
  reload(trigger: ReloadTrigger): Promise<ReloadResult> {
    const reloaded = this.#work.then(() => this.#reload(trigger));
    this.#work = reloaded.catch(() => {});
    return reloaded;
  }

  /** What is being applied is applied to the end, while there is something to apply it to; nothing follows. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#work;
  }

  async #reload(trigger: ReloadTrigger): Promise<ReloadResult> {
    if (this.#disposed) throw new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' });
    const { sections, logger } = this.#options;
    const reading = refuseBlank(await this.#options.read());
    const { settings, errors, path } = reading;
    const said = JSON.stringify([settings, errors]);
    const isKnown = said === this.#lastReading;
    this.#lastReading = said;
    const odd = reading.warnings.map(formatConfigMessage);
    if (trigger === 'file' && isKnown) return { applied: [], restart: [], warnings: odd };
    if (settings === undefined) throw this.#reject(errors, trigger);
    const warnings = [...odd, ...(await this.#options.check(toConfig(settings, path, sections)))];
    for (const warning of warnings) logger.warn('The configuration file is odd', { warning });
    const { changes, next } = diffConfig(configSchema(sections), this.#running, settings);
    const applied = changes.filter(({ cost }) => cost !== 'restart');
    const restart = changes.filter(({ cost }) => cost === 'restart');
    if (applied.length > 0) await this.#options.apply(toConfig(next, path, sections), applied);
    this.#running = next;
    if (changes.length > 0) this.#tell({ applied, restart, warnings }, trigger);
    else logger.info('The configuration file says what it said before', { trigger });
    return { applied, restart, warnings };
  }

  #reject(errors: readonly ConfigMessage[], trigger: ReloadTrigger): FieldError {
    const { events, logger } = this.#options;
    const messages = errors.map(formatConfigMessage);
    logger.error('The configuration file is wrong; the server goes on with what it had', { trigger, messages });
    events.emit({
      type: 'config.rejected',
      level: 'error',
      reason: 'CONFIG_INVALID',
      message: `The configuration file is wrong, nothing was changed: ${messages[0] ?? ''}`,
      data: { trigger, messages },
    });
    return new FieldError(
      errors.map((error) => ({ field: error.key, message: formatConfigMessage({ ...error, key: '' }) })),
      'CONFIG_INVALID',
    );
  }

  #tell({ applied, restart, warnings }: ReloadResult, trigger: ReloadTrigger): void {
    const { events, logger } = this.#options;
    const keys = { applied: applied.map(toWords), restart: restart.map(toWords) };
    logger.info('The configuration file was read again', { trigger, ...keys });
    const pending = restart.length === 0 ? '' : `; after a restart only: ${restart.map(({ key }) => key).join(', ')}`;
    events.emit({
      type: 'config.reloaded',
      level: restart.length + warnings.length === 0 ? 'info' : 'warning',
      message: `Configuration read again: ${applied.length} changed${pending}`,
      data: { trigger, ...keys, warnings },
    });
  }
}

/** An editor that saves on a full disk leaves an empty file behind: that would remove every camera. */
function refuseBlank(reading: ConfigReading): ConfigReading {
  const { path, isBlank = false, warnings } = reading;
  if (!isBlank) return reading;
  const cure = 'save it again (is the disk full?); where it is meant, write a comment into it: # nothing';
  return { path, warnings, errors: [{ file: path, key: '', text: 'the file is empty', cure }] };
}

function toWords({ key, change }: ConfigChange): string {
  return change === 'changed' ? key : `${key} ${change}`;
}
