import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleAgent } from '@watchpost/agent/firmware/bundle.ts';
import { type TestServer, wait } from './harness.ts';

/** An agent in a process of its own. */
export class TestAgentProcess implements AsyncDisposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'watchpost-agent-'));
  readonly #file: string;
  #child: ChildProcess | undefined;
  #program = new URL('../packages/agent/src/main.ts', import.meta.url).pathname;
  log = '';

  /** `url` of the server, or of what stands before it; `config` is merged into that of the agent, `agent` into its section. */
  constructor(url: string, options: { id: string; token: string; agent?: object; config?: object }) {
    this.#file = join(this.#dir, 'agent.json');
    const { id, token, config } = options;
    const agent = { agent_id: id, tunnel_server_url: url, tunnel_server_token: token, ...options.agent };
    writeFileSync(this.#file, JSON.stringify({ agent, discovery: { enabled: false }, ...config }));
  }

  /** Has it run from its one file, as packages have it, and not from its sources. */
  async bundled(): Promise<this> {
    this.#program = join(this.#dir, 'agent.mjs');
    writeFileSync(this.#program, await bundleAgent());
    return this;
  }

  start(): this {
    const child = spawn(process.execPath, [this.#program, '-c', this.#file, '--state', this.state], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => {
        this.log = (this.log + text.toString()).slice(-20_000);
      });
    this.#child = child;
    return this;
  }

  /** Its state folder. */
  get state(): string {
    return join(this.#dir, 'state');
  }

  /** Has it use another enrolment token from its next start on. */
  setToken(token: string): void {
    const config = JSON.parse(readFileSync(this.#file, 'utf8')) as { agent: object };
    writeFileSync(this.#file, JSON.stringify({ ...config, agent: { ...config.agent, tunnel_server_token: token } }));
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A tunnel as `GET /api/v1/tunnels/{id}` shows it. */
export interface TunnelView {
  readonly status: string;
  readonly local_port: number | null;
  readonly remote_port: number | null;
  readonly bytes_transferred: number;
  readonly connections: number;
  readonly uptime: number;
  readonly resumes: number;
}

/** The tunnel once it is as wanted. */
export async function tunnelOnce(
  server: TestServer,
  id: string,
  { is, withinMs = 10_000 }: { is: (tunnel: TunnelView) => boolean; withinMs?: number },
): Promise<TunnelView> {
  let last: unknown;
  for (const endMs = performance.now() + withinMs; performance.now() < endMs; await wait(50)) {
    try {
      const { tunnel } = await server.api<{ tunnel: TunnelView }>(`/tunnels/${id}`);
      last = tunnel;
      if (is(tunnel)) return tunnel;
    } catch (thrown) {
      last = thrown;
    }
  }
  throw new Error(
    `the tunnel "${id}" was not as wanted: ${last instanceof Error ? last.message : JSON.stringify(last)}`,
  );
}

/** A token that lets one agent in. */
export async function enrolmentToken(server: TestServer, maxUses = 1): Promise<string> {
  const { token } = await server.api<{ token: string }>('/agents/enrolment-tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ max_uses: maxUses }),
  });
  return token;
}
