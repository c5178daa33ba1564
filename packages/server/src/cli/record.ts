import { join } from 'node:path';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { openDatabase } from '../catalog/database.ts';
import { SegmentStore } from '../catalog/segment-store.ts';
import type { Segment } from '../catalog/types.ts';
import type { Config } from '../config/types.ts';
import { parseDuration } from '../config/values.ts';
import { pullSchemes, readSource } from '../protocols/rtsp/source-options.ts';
import { type Command, EXIT, type Flags, textFlag, usageError } from './command.ts';
import { configFile, defaultConfig, loadedConfig } from './configuration.ts';
import { loggerOf } from './serve.ts';
import { stopSignal } from './signals.ts';

/** `watchpost record URL`: one camera to the disk until a signal comes or its time is over; `watchpost export` has it then. */
export const recordCommand: Command = {
  usage: 'record <address>',
  description: 'Record one camera alone, to ./data or where a configuration says',
  flags: [
    ['--name <id>', 'of the stream (camera)'],
    ['--duration <duration>', 'so long: 90s, 10m, 8h; until Ctrl-C without it'],
  ],
  examples: [
    'record rtsp://admin:secret@192.0.2.20/stream1 --duration 10m',
    'export camera --start 2026-02-11T10:00:00Z',
  ],
  async run([address], flags) {
    const name = textFlag(flags, 'name') ?? 'camera';
    const seconds = durationFlag(flags);
    const base = configFile(flags) === undefined ? defaultConfig() : (await loadedConfig(flags)).config;
    const config = recordConfig(base, { name, address: address! });
    const logger = loggerOf(flags);
    const stop = stopSignal();
    const startMs = recordedFrom(address!, Date.now());
    const { startServer } = await import('../main.ts');
    const server = await startServer(config, { logger, isConfiguredOnly: true });
    const over =
      seconds === undefined ? undefined : setTimeout(() => process.kill(process.pid, 'SIGTERM'), seconds * 1000);
    await stop;
    clearTimeout(over);
    await server.close();
    return tell(await recorded(config, name, startMs), { name, flags });
  },
};

/** What of a configuration counts where one camera is recorded: where to. Nobody is let in, and nothing else is done. */
export function recordConfig(config: Config, camera: { readonly name: string; readonly address: string }): Config {
  const text = (value: string) => JSON.stringify(value).replaceAll('${', '$${');
  const { cameras } = defaultConfig(
    `[[cameras]]\nname = ${text(camera.name)}\nurl = ${text(camera.address)}\nrecord = true`,
    { name: '--name', url: 'address' },
  );
  return {
    ...config,
    http: { ...config.http, bind: { host: '127.0.0.1', port: 0 } },
    protocols: { ...config.protocols, enabled: [] },
    recording: { ...config.recording, enabled: true },
    cameras,
  };
}

function durationFlag(flags: Flags): number | undefined {
  const text = textFlag(flags, 'duration');
  if (text === undefined) return undefined;
  const seconds = parseDuration(text);
  if (seconds !== undefined && seconds > 0) return seconds;
  throw usageError(`--duration "${text}" is no time — write 90s, 10m, 8h`);
}

/** From when on what is recorded is of this command: from now, or, of a device's own recordings, from the range's begin. */
export function recordedFrom(address: string, nowMs: number): number {
  const source = parseSourceUrl(address);
  const replay = pullSchemes.includes(source.scheme) ? readSource(source).replay : undefined;
  return Math.min(nowMs, replay?.startMs ?? nowMs);
}

async function recorded(config: Config, name: string, startMs: number): Promise<readonly Segment[]> {
  const database = await openDatabase(join(config.dataDir, 'watchpost.db'));
  try {
    return await new SegmentStore(database).inRange(name, startMs, Date.now() + 1);
  } finally {
    await database.destroy();
  }
}

function tell(segments: readonly Segment[], { name, flags }: { readonly name: string; readonly flags: Flags }): number {
  const [first, last] = [segments[0], segments.at(-1)];
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const at = (ms: number) => new Date(ms).toISOString();
  if (first === undefined || last === undefined) {
    process.stderr.write('watchpost: nothing was recorded; see above for what the camera said\n');
    return EXIT.failed;
  }
  const [start, end] = [at(first.startMs), at(last.endMs)];
  if (flags['json'] === true) process.stdout.write(`${JSON.stringify({ stream: name, start, end, bytes })}\n`);
  else
    process.stdout.write(
      `${name}: ${start} to ${end}, ${bytes} bytes; as one file: watchpost export ${name} --start ${start} --end ${end}\n`,
    );
  return EXIT.fine;
}
