import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const startWithinMs = 20_000;
const stopWithinMs = 10_000;
const answerWithinMs = 10_000;
const maxLogLines = 400;
const program = new URL('../packages/server/bin/watchpost', import.meta.url).pathname;

/** A camera of the configuration: stream id, address, and more lines of its table. */
export interface TestCamera {
  readonly id: string;
  readonly url: string;
  readonly more?: string;
}

/** How a server under test is set up. */
export interface TestServerOptions {
  readonly cameras?: readonly TestCamera[];
  /** More lines of `[http]`. */
  readonly http?: string;
  /** Logins are needed; without by default. */
  readonly auth?: 'required';
  /** More lines of configuration, after those of the harness and before the cameras. */
  readonly more?: string;
  /** Lines of `[recording]`; files of 5 s and a second before the first retry if missing. */
  readonly recording?: string;
}

/** A stream as the API shows it, as far as tests look at it. */
export interface StreamView {
  readonly state: string;
  readonly reason: { readonly kind: string; readonly code: string; readonly message: string } | null;
  readonly retry_at: string | null;
  readonly tracks: readonly { readonly kind: string; readonly codec: string; readonly width?: number }[];
  readonly recording: { readonly state: string };
}

/** An event as the API shows it. */
export interface EventView {
  readonly id: number;
  readonly at: string;
  readonly type: string;
  readonly reason: string | null;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Starts `watchpost serve` in a folder of its own, without logins, on a free port of loopback; storage is `DIR/video`. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dir = mkdtempSync(join(tmpdir(), 'watchpost-e2e-'));
  const cameras = (options.cameras ?? []).map(
    ({ id, url, more = '' }) => `[[cameras]]\nname = "${id}"\nurl = "${url}"\n${more}\n`,
  );
  writeFileSync(
    join(dir, 'watchpost.toml'),
    `data_dir = "data"
[http]
bind = "127.0.0.1:${await freePort()}"
${options.http ?? ''}
[auth]
mode = "${options.auth ?? 'none'}"
[recording]
${options.recording ?? 'segment_duration = 5\nreconnect_delay = 1'}
[[storage.backends]]
type = "local"
name = "disk"
base_path = "video"
min_free = "0.1%"
${options.more ?? ''}
${cameras.join('\n')}`,
  );
  const server = new TestServer(dir);
  try {
    await server.start();
    return server;
  } catch (thrown) {
    await server[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** Whom `TestServer.setUp` makes. */
export const administrator = { name: 'anna', password: 'long enough' };

/** Keys that a new reading of the configuration brought, and what was odd. */
export interface Reloaded {
  readonly applied: readonly string[];
  readonly restart: readonly string[];
  readonly warnings: readonly string[];
}

/** A server in a process of its own. */
export class TestServer implements AsyncDisposable {
  readonly dir: string;
  /** `http://127.0.0.1:PORT`, or `https:`. */
  base = '';
  /** What `api` logs in with; nothing while missing. */
  token: string | undefined;
  #process: ChildProcess | undefined;
  #log: string[] = [];

  constructor(dir: string) {
    this.dir = dir;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  /** What it logged lately. */
  get log(): string {
    return this.#log.join('');
  }

  /** Starts it (again), or the tunnel server alone; resolves once it listens. */
  async start(command: 'serve' | 'tunnel' = 'serve'): Promise<void> {
    const child = spawn(program, [command, '-c', join(this.dir, 'watchpost.toml'), '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    child.stderr!.on('data', (text: Buffer) => this.#keep(text.toString()));
    this.base = await new Promise<string>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`the server ${why}:\n${this.log}`));
      const timer = setTimeout(() => fail('did not start in time'), startWithinMs);
      child.once('exit', (code) => fail(`ended with ${code}`));
      child.stdout!.on('data', (text: Buffer) => {
        this.#keep(text.toString());
        const address = /"addresses":\["(https?:[^"]+?)\/?"/.exec(this.log)?.[1];
        if (address === undefined) return;
        clearTimeout(timer);
        resolve(address);
      });
    });
  }

  /** Runs another command of the program with its configuration; resolves to what it printed. */
  async run(args: readonly string[]): Promise<string> {
    const result = await runProgram(program, [...args, '-c', join(this.dir, 'watchpost.toml')]);
    if (result.status !== 0) throw new Error(`watchpost ${args.join(' ')}: ${result.stderr}`);
    return result.stdout.toString();
  }

  /** Ends it as a crash would: SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#process!;
    const exit = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exit;
    this.#log = [];
  }

  /** Ends it with SIGTERM; resolves to its exit status. */
  async stop(): Promise<number | null> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    return await new Promise((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
      child.once('exit', (code) => {
        clearTimeout(timer);
        resolve(code);
      });
      child.kill('SIGTERM');
    });
  }

  /** Ends it and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }

  /** JSON of an address below `/api/v1`; a refusal is thrown with its body. */
  async api<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await fetch(`${this.base}/api/v1${path}`, {
      signal: AbortSignal.timeout(answerWithinMs),
      ...init,
      headers: { ...(this.token !== undefined && { authorization: `Bearer ${this.token}` }), ...init.headers },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** Sends JSON to an address below `/api/v1`. */
  post<T>(path: string, body: object): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    return this.api(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  /** Makes the administrator, whose token `api` has from now on. */
  async setUp(): Promise<string> {
    const token = /setup\?token=([^"]+)"/.exec(this.log)?.[1];
    const made = await this.post<{ token: string }>('/setup', { token, ...administrator });
    this.token = made.token;
    return made.token;
  }

  /** What the configuration file says now. */
  get configuration(): string {
    return readFileSync(join(this.dir, 'watchpost.toml'), 'utf8');
  }

  /** Rewrites the configuration file; the server finds that by itself, a moment later. */
  rewrite(edit: (before: string) => string): void {
    writeFileSync(join(this.dir, 'watchpost.toml'), edit(this.configuration));
  }

  /** Rewrites the configuration file and has it read. */
  async change(edit: (before: string) => string): Promise<Reloaded> {
    this.rewrite(edit);
    const answer = await this.api<Record<'applied' | 'restart', { key: string }[]> & { warnings: string[] }>(
      '/config/reload',
      { method: 'POST' },
    );
    const keys = (changes: readonly { key: string }[]) => changes.map(({ key }) => key);
    return { applied: keys(answer.applied), restart: keys(answer.restart), warnings: answer.warnings };
  }

  stream(id: string): Promise<StreamView> {
    return this.api(`/streams/${id}`);
  }

  /** Counters of a stream. */
  stats(id: string): Promise<Record<string, number> & { repaired: Record<string, number> }> {
    return this.api(`/streams/${id}/stats`);
  }

  /** Events of a stream, oldest first. */
  async events(id: string): Promise<EventView[]> {
    const { events } = await this.api<{ events: EventView[] }>(`/events?stream_id=${id}&limit=100`);
    return events.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  }

  /** Resolves to the stream once it is as wanted. */
  async waitFor(id: string, what: string | ((stream: StreamView) => boolean), withinMs: number): Promise<StreamView> {
    const wanted = typeof what === 'string' ? (stream: StreamView) => stream.state === what : what;
    let stream: StreamView | undefined;
    for (const deadlineMs = performance.now() + withinMs; performance.now() < deadlineMs; await wait(100)) {
      stream = await this.stream(id);
      if (wanted(stream)) return stream;
    }
    throw new Error(`"${id}" was not as wanted (${what}) within ${withinMs} ms: ${JSON.stringify(stream)}`);
  }

  /** Runs the body of a test; where it fails, what the server logged follows the error. */
  async guard(body: () => Promise<void>): Promise<void> {
    try {
      await body();
    } catch (thrown) {
      if (thrown instanceof Error) thrown.message += `\n--- log of the server ---\n${this.log}`;
      throw thrown;
    }
  }

  #keep(text: string): void {
    this.#log.push(text);
    if (this.#log.length > maxLogLines) this.#log.splice(0, this.#log.length - maxLogLines);
  }
}

/** Below those that Linux gives to whoever asks for any, so that nobody is given it before it is used. */
const portRange = { first: 20_100, count: 9000 };

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = portRange.first + Math.floor(Math.random() * portRange.count);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const listener = createServer();
    listener.once('error', () => resolve(false));
    listener.listen(port, '127.0.0.1', () => listener.close(() => resolve(true)));
  });
}

/** Output and standard error of a program that ran to its end. */
export interface ProgramResult {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program; after `timeoutMs` it is ended. */
export function runProgram(program: string, args: readonly string[], timeoutMs = 30_000): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const stdout: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => stdout.push(data));
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
    });
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout: Buffer.concat(stdout), stderr }));
  });
}

/** What `gst-launch-1.0` says about a live pipeline until `identity silent=false` in it has passed so many pictures, or 15 s long. */
export function playWithGstreamer(pipeline: readonly string[], pictures: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('gst-launch-1.0', ['-v', ...pipeline], { stdio: ['ignore', 'pipe', 'pipe'] });
    const end = setTimeout(() => child.kill('SIGINT'), 15_000);
    const kill = setTimeout(() => child.kill('SIGKILL'), 20_000);
    let said = '';
    let passed = 0;
    child.stdout.on('data', (data: Buffer) => {
      const text = data.toString();
      said += text;
      passed += text.split('last-message = chain').length - 1;
      if (passed >= pictures) child.kill('SIGINT');
    });
    child.stderr.on('data', (data: Buffer) => {
      said += data.toString();
    });
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(end);
      clearTimeout(kill);
      resolve(said);
    });
  });
}

/** Resolves after so many milliseconds. */
export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
