import { type TunnelSettings, tunnelSection, tunnelSettings } from '../agents/section.ts';
import type { Config } from '../config/types.ts';
import { type Command, EXIT, type Flags, textFlag, usageError } from './command.ts';
import { configFile, defaultConfig, loadedConfig } from './configuration.ts';
import { announce, loggerOf } from './serve.ts';
import { stopSignal } from './signals.ts';

/** First local port of cameras where the tunnel server runs alone: nothing else wants RTSP's. */
const firstPortAlone = 8554;

/** `watchpost tunnel`: takes agents and opens the ports of their cameras, without streams and recordings; SIGHUP as in `serve`. */
export const tunnelCommand: Command = {
  usage: 'tunnel',
  description: 'Run the tunnel server alone: agents connect, their cameras get local ports',
  flags: [
    ['--port <port>', 'of the HTTP server that agents connect to (8080)'],
    ['--tunnel-port <port>', `first of the local ports of cameras (${firstPortAlone})`],
  ],
  examples: ['tunnel --port 8080 --tunnel-port 8554', 'tunnel -c watchpost.toml'],
  async run(_args, flags) {
    const file = configFile(flags) === undefined ? undefined : await loadedConfig(flags);
    const ports = { port: portFlag(flags, 'port'), tunnelPort: portFlag(flags, 'tunnelPort') };
    const adapt = (wanted: Config) => tunnelConfig(wanted, ports);
    const logger = loggerOf(flags);
    const stop = stopSignal();
    const { startServer } = await import('../main.ts');
    const config = adapt(file?.config ?? defaultConfig());
    const server = await startServer(config, { logger, isConfiguredOnly: true, adapt, ...(file && { file }) });
    const { reload } = server;
    if (reload) process.on('SIGHUP', () => void reload());
    announce(server, flags, false);
    logger.info('Stopping; a second signal ends at once', { signal: await stop });
    await server.close();
    return EXIT.fine;
  },
};

/** What of a configuration a tunnel server uses; the ports where they are given. */
export function tunnelConfig(
  config: Config,
  ports: { readonly port?: number | undefined; readonly tunnelPort?: number | undefined },
): Config {
  const settings: TunnelSettings = tunnelSettings(config.sections);
  const isDefault = settings.first_port === tunnelSettings({}).first_port;
  const first_port = ports.tunnelPort ?? (isDefault ? firstPortAlone : settings.first_port);
  const { bind } = config.http;
  return {
    ...config,
    http: { ...config.http, bind: { ...bind, port: ports.port ?? bind.port } },
    protocols: { ...config.protocols, enabled: [] },
    recording: { ...config.recording, enabled: false },
    cameras: [],
    sections: { ...config.sections, [tunnelSection.name]: { ...settings, first_port } },
  };
}

function portFlag(flags: Flags, name: string): number | undefined {
  const text = textFlag(flags, name);
  if (text === undefined) return undefined;
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw usageError(`--${name === 'port' ? 'port' : 'tunnel-port'}: "${text}" is no port between 1 and 65535`);
}
