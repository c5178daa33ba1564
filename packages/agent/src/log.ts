import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { LogFields, Logger } from '@watchpost/base/logger.ts';
import { redactUrl } from '@watchpost/base/source-url.ts';

const maxLineCharacters = 2000;
const secretKey = /password|secret|authorization|token|private/i;

/** The last lines of the log, for the server to ask for. */
export class LogTail {
  readonly #lines: string[] = [];
  readonly #max: number;

  constructor(max = 500) {
    this.#max = max;
  }

  add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > this.#max) this.#lines.shift();
  }

  /** The newest lines, oldest first. */
  last(count: number): readonly string[] {
    return this.#lines.slice(-Math.max(0, Math.min(count, this.#max)));
  }
}

/** How the agent logs. */
export interface AgentLogOptions {
  readonly clock: Clock;
  readonly verbose: boolean;
  readonly tail: LogTail;
  /** Gets each line, with its line break. */
  readonly write: (line: string) => void;
}

/** A logger that writes one line for each message: time, level, message, fields as JSON. Secrets are never written. */
export function agentLogger(options: AgentLogOptions, bound: LogFields = {}): Logger {
  const at = (level: string) => (message: string, fields?: LogFields) => {
    const shown = Object.entries({ ...bound, ...fields })
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${presentable(key, value)}`);
    const time = new Date(options.clock.wallMs()).toISOString();
    const line = [time, level, message, ...shown].join(' ').replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ');
    const short = line.slice(0, maxLineCharacters);
    options.tail.add(short);
    options.write(`${short}\n`);
  };
  return {
    debug: options.verbose ? at('DEBUG') : () => {},
    info: at('INFO '),
    warn: at('WARN '),
    error: at('ERROR'),
    child: (fields) => agentLogger(options, { ...bound, ...fields }),
  };
}

function presentable(key: string, value: unknown): string {
  if (secretKey.test(key)) return '***';
  if (value instanceof WatchpostError) return JSON.stringify(`${value.code}: ${value.message}`);
  if (value instanceof Error) return JSON.stringify(value.message);
  if (typeof value !== 'string') return JSON.stringify(value) ?? String(value);
  const plain = value.includes('://') ? redactUrl(value) : value;
  return /[\s"]/.test(plain) ? JSON.stringify(plain) : plain;
}
