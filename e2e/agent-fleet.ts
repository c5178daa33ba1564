import assert from 'node:assert/strict';
import { readAgentConfig } from '@watchpost/agent/config/read-config.ts';
import { Connector } from '@watchpost/agent/link/connector.ts';
import { nodePlatform } from '@watchpost/agent/platform/node-platform.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { usage } from '../bench/measure.ts';
import { type TestServer, wait } from './harness.ts';

/** Which agents, and how many. */
export interface FleetOptions {
  readonly url: string;
  /** Lets all of them in. */
  readonly token: string;
  readonly count: number;
}

/** How agents came back; times in ms since the server was there again. */
export interface Comeback {
  readonly lastMs: number;
  /** Most that were let in within any second. */
  readonly busiestSecond: number;
  /** Most connections that were begun within any second, from when the server went. */
  readonly attemptsInASecond: number;
  /** Processor time of the server from when it listened until all were back. */
  readonly cpuSeconds: number;
}

/** Many agents in one process: real in how they connect, wait and connect again, and without cameras. */
export class AgentFleet implements AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #abort = new AbortController();
  readonly #running: Promise<void>[] = [];
  readonly #connectors: Connector[] = [];
  readonly #attemptsMs: number[] = [];
  readonly #admissions: { readonly agent: number; readonly atMs: number }[] = [];

  /** Starts them all at once. */
  constructor(options: FleetOptions) {
    this.#options = options;
    for (let agent = 0; agent < options.count; agent++) this.#running.push(this.#run(agent));
  }

  /** Resolves once all were let in since `sinceMs` (`performance.now()`). */
  async admitted({ sinceMs = 0, withinMs }: { sinceMs?: number; withinMs: number }): Promise<void> {
    const { count } = this.#options;
    for (const endMs = performance.now() + withinMs; this.#since(sinceMs).size < count; await wait(50))
      if (performance.now() > endMs)
        throw new Error(`${this.#since(sinceMs).size} of ${count} agents were let in within ${withinMs} ms`);
  }

  /** Ends the server with `stop`, starts it again a second later, and waits until all are back. */
  async outlive(server: TestServer, stop: () => Promise<unknown>): Promise<Comeback> {
    const { count } = this.#options;
    const goneMs = performance.now();
    await stop();
    await wait(1000);
    await server.start();
    const startedMs = performance.now();
    const before = usage(server.pid);
    await this.admitted({ sinceMs: startedMs, withinMs: 60_000 });
    const { cpuSeconds } = usage(server.pid);
    const { agents } = await server.api<{ agents: { id: string; state: string }[] }>('/agents');
    const connected = agents.filter(({ id, state }) => id.startsWith('fleet-') && state === 'connected');
    assert.equal(connected.length, count, 'agents that the server lists as connected');
    const back = [...this.#since(startedMs).values()];
    const comeback = {
      lastMs: Math.round(Math.max(...back) - startedMs),
      busiestSecond: busiestSecond(back),
      attemptsInASecond: busiestSecond(this.#attemptsMs.filter((atMs) => atMs >= goneMs)),
      cpuSeconds: cpuSeconds - before.cpuSeconds,
    };
    console.log(`${count} agents are back:`, comeback);
    return comeback;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connector of this.#connectors) connector.close();
    this.#abort.abort();
    await Promise.all(this.#running);
  }

  #since(sinceMs: number): Map<number, number> {
    const first = new Map<number, number>();
    for (const { agent, atMs } of this.#admissions) if (atMs >= sinceMs && !first.has(agent)) first.set(agent, atMs);
    return first;
  }

  async #run(agent: number): Promise<void> {
    const own = nodePlatform();
    const platform: typeof own = {
      ...own,
      openWebSocket: (options, events) => {
        this.#attemptsMs.push(performance.now());
        return own.openWebSocket(options, events);
      },
    };
    const agentId = `fleet-${agent}`;
    const { url, token } = this.#options;
    const config = readAgentConfig(
      { agent: { agent_id: agentId, tunnel_server_url: url, tunnel_server_token: token } },
      { file: 'the fleet', stateDir: '/nonexistent' },
    );
    const connector = new Connector(
      {
        platform,
        logger: silentLogger,
        config,
        identity: { agentId, keys: await platform.crypto.makeKeyPair() },
        software: 'fleet',
        pin: async () => {},
        onSession: () => this.#admissions.push({ agent, atMs: performance.now() }),
        onSessionClosed: () => {},
        handler: { open: (channel) => channel.reset('not_allowed'), message: () => {} },
      },
      { pins: [] },
    );
    this.#connectors.push(connector);
    await connector.run(this.#abort.signal);
  }
}

function busiestSecond(timesMs: readonly number[]): number {
  const sorted = timesMs.toSorted((a, b) => a - b);
  let most = 0;
  for (let from = 0, to = 0; to < sorted.length; to++) {
    while (sorted[to]! - sorted[from]! >= 1000) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}
