/** Fields beside a constant message. Never a secret: addresses pass through `redactUrl` first. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Structured log: a constant message, fields beside it; never called for each packet.
 * `error`: an operator must act. `warn`: we degraded. `info`: a lifecycle edge. `debug`: a protocol message.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

/** A logger that says nothing; for tests and for embedding. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
