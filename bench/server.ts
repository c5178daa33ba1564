import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start, stop } from './measure.ts';

/** A Watchpost with its own folder, for one run. */
export interface BenchServer extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly dir: string;
  readonly port: number;
}

/** How a server under test is set up. */
export interface BenchServerOptions {
  /** Addresses of the cameras; stream ids are `cam0`, `cam1`, … where `names` has no others. */
  readonly urls: readonly string[];
  readonly names?: readonly string[];
  /** Puts into the folder what the server finds when it starts. */
  readonly prepare?: (dir: string) => Promise<void>;
  readonly record: boolean;
  readonly port: number;
  /** Where the folder is made; the system's folder for temporary files if missing. */
  readonly parentDir?: string;
  /** More lines of `[recording]`. */
  readonly recording?: string;
  /** More lines of configuration. */
  readonly more?: string;
}

/** Starts `watchpost serve` in a folder of its own, without logins (everything is on loopback). */
export async function startServer(options: BenchServerOptions): Promise<BenchServer> {
  const dir = mkdtempSync(join(options.parentDir ?? tmpdir(), 'watchpost-bench-'));
  const cameras = options.urls.map(
    (url, i) =>
      `[[cameras]]\nname = "${options.names?.[i] ?? `cam${i}`}"\nurl = "${url}"\nrecord = ${options.record}\n`,
  );
  const text = `data_dir = "data"
[http]
bind = "127.0.0.1:${options.port}"
[auth]
mode = "none"
[recording]
enabled = ${options.record}
${options.recording ?? ''}
[[storage.backends]]
type = "local"
name = "disk"
base_path = "video"
${options.more ?? ''}
${cameras.join('\n')}`;
  writeFileSync(join(dir, 'watchpost.toml'), text);
  await options.prepare?.(dir);
  const root = new URL('..', import.meta.url).pathname;
  const process = await start(
    join(root, 'packages/server/bin/watchpost'),
    ['serve', '-c', join(dir, 'watchpost.toml'), '--json'],
    /"addresses"/,
  );
  return {
    process,
    dir,
    port: options.port,
    [Symbol.asyncDispose]: async () => {
      await stop(process);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
