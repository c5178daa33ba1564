import { flushCompileCache } from 'node:module';
import type { Logger } from '@watchpost/base/logger.ts';
import type { Config } from '../config/types.ts';
import { findPortHolder } from '../net/port-holder.ts';
import { type Command, EXIT, type Flags, usageError } from './command.ts';
import { loadedConfig } from './configuration.ts';
import { startDemo } from './demo.ts';
import { createLogger } from './logger.ts';
import { isFree, nextFreePort } from './ports.ts';
import { stopSignal } from './signals.ts';

/** `watchpost serve`: runs until SIGINT or SIGTERM; a second one ends it at once. SIGHUP reads the configuration again. */
export const serveCommand: Command = {
  usage: 'serve',
  description: 'Run the server',
  flags: [
    ['--demo', 'two virtual cameras, recorded to ./data; no configuration file'],
    ['--next-free-port', 'when the HTTP port is taken, use the next free one'],
  ],
  examples: ['serve -c watchpost.toml', 'serve --demo'],
  async run(_args, flags) {
    if (flags['demo'] === true && flags['config'] !== undefined)
      throw usageError('--demo brings its own configuration; leave out -c');
    const logger = loggerOf(flags);
    const stop = stopSignal();
    await using demo = flags['demo'] === true ? await startDemo(logger) : undefined;
    const loaded = demo ? undefined : await loadedConfig(flags);
    const wanted = demo?.config ?? loaded!.config;
    const config = await withFreePort(wanted, flags['nextFreePort'] === true, logger);
    const { startServer } = await import('../main.ts');
    const server = await startServer(config, { logger, ...(loaded && { file: loaded }) });
    const { reload } = server;
    if (reload) process.on('SIGHUP', () => void reload());
    announce(server, flags, demo !== undefined);
    // What was compiled is kept now: who knows how this process ends.
    flushCompileCache();
    logger.info('Stopping; a second signal ends at once', { signal: await stop });
    await server.close();
    return EXIT.fine;
  },
};

/** The logger that the flags ask for; it writes to standard error, so that standard output stays for results. */
export function loggerOf(flags: Flags): Logger {
  return createLogger({
    format: flags['json'] === true ? 'json' : 'pretty',
    verbose: flags['verbose'] === true,
    colour: process.stderr.isTTY === true && !process.env['NO_COLOR'],
    write: (line) => void process.stderr.write(line),
    now: Date.now,
  });
}

async function withFreePort(config: Config, mayMove: boolean, logger: Logger): Promise<Config> {
  const { bind } = config.http;
  if (!mayMove || (await isFree(bind))) return config;
  const holder = await findPortHolder(bind.port);
  const port = await nextFreePort(bind);
  logger.warn('The HTTP port is taken; the next free one is used', {
    taken: bind.port,
    by: holder && `${holder.name} (pid ${holder.pid})`,
    port,
  });
  return { ...config, http: { ...config.http, bind: { ...bind, port } } };
}

interface Announced {
  readonly addresses: readonly string[];
  readonly setupUrl?: string | undefined;
}

/** Says where it runs, to people or as JSON. */
export function announce({ addresses, setupUrl }: Announced, flags: Flags, isDemo: boolean): void {
  if (flags['json'] === true) {
    process.stdout.write(`${JSON.stringify({ addresses, setup_url: setupUrl ?? null })}\n`);
    return;
  }
  const lines = [
    '',
    `  Watchpost is running${isDemo ? ' with two virtual cameras' : ''}:`,
    ...addresses.map((address) => `    ${address}`),
  ];
  if (setupUrl !== undefined)
    lines.push('', '  First time? Make the administrator (this link works once):', `    ${setupUrl}`);
  lines.push('', '  Ctrl-C ends it.', '');
  process.stdout.write(`${lines.join('\n')}\n`);
}
