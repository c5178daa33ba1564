import { WatchpostError } from '@watchpost/base/errors.ts';
import type { LogFields, Logger } from '@watchpost/base/logger.ts';
import { redactUrl } from '@watchpost/base/source-url.ts';
import pino from 'pino';

/** How the log looks. */
export interface LogOptions {
  readonly format: 'pretty' | 'json';
  /** Messages of `debug` too. */
  readonly verbose: boolean;
  readonly colour: boolean;
  readonly write: (line: string) => void;
  /** Time of a message, ms since 1970 UTC. */
  readonly now: () => number;
}

const LEVELS = { debug: 'DEBUG', info: 'INFO ', warn: 'WARN ', error: 'ERROR' } as const;
const COLOURS = { debug: '2', info: '32', warn: '33', error: '31' } as const;

type Level = keyof typeof LEVELS;

/** A logger that writes a line for each message: one-liners for people, or JSON for programs. */
export function createLogger(options: LogOptions): Logger {
  const emit = options.format === 'json' ? jsonEmitter(options) : prettyEmitter(options);
  return loggerWith(emit, {}, options.verbose);
}

type Emit = (level: Level, message: string, fields: LogFields) => void;

function loggerWith(emit: Emit, bound: LogFields, verbose: boolean): Logger {
  const at = (level: Level) => (message: string, fields?: LogFields) => emit(level, message, { ...bound, ...fields });
  return {
    debug: verbose ? at('debug') : () => {},
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => loggerWith(emit, { ...bound, ...fields }, verbose),
  };
}

function jsonEmitter({ write, now }: LogOptions): Emit {
  const log = pino(
    {
      level: 'debug',
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  return (level, message, fields) => {
    log[level](
      Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, presentable(key, value)])),
      message,
    );
  };
}

function prettyEmitter({ write, colour, now }: LogOptions): Emit {
  const paint = (text: string, code: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  return (level, message, fields) => {
    const shown = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${oneLine(presentable(key, value))}`)
      .join(' ');
    const time = new Date(now()).toISOString().slice(0, 23).replace('T', ' ');
    const head = `${paint(time, '2')} ${paint(LEVELS[level], COLOURS[level])} ${message}`;
    write(shown === '' ? `${head}\n` : `${head}  ${paint(shown, '2')}\n`);
  };
}

/** The value without secrets; errors as what a reader of the log needs. */
function presentable(key: string, value: unknown): unknown {
  if (/password|secret|authorization|^token$/i.test(key)) return '***';
  if (typeof value === 'string') return value.includes('://') ? redactUrl(value) : value;
  if (value instanceof WatchpostError)
    return { message: value.message, code: value.code, kind: value.kind, ...value.context };
  if (value instanceof Error) return { message: value.message, stack: value.stack };
  return value;
}

/** Control characters of foreign text must not move the cursor or begin a new line. */
function oneLine(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const plain = text.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ');
  return /[\s"]/.test(plain) && typeof value === 'string' ? JSON.stringify(plain) : plain;
}
