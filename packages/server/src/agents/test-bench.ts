import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { openDatabase } from '../catalog/database.ts';
import type { NewEvent } from '../catalog/types.ts';
import { createHttpServer } from '../net/http-server.ts';
import { type Agents, openAgents } from './open-agents.ts';
import { type TunnelSettings, tunnelSettings } from './section.ts';
import { TestAgent, type TestAgentOptions } from './test-agent.ts';

/** A server's agents, and agents that dial it. */
export interface Bench extends AsyncDisposable {
  readonly agents: Agents;
  readonly url: string;
  readonly events: NewEvent[];
  token(maxUses?: number, expiresInMs?: number): Promise<string>;
  /** An agent that is let in. */
  agent(options: Partial<TestAgentOptions> & { agentId: string }): Promise<TestAgent>;
}

let nextPort = 21_000 + Math.floor(Math.random() * 900) * 10;

/** Opens it; `changes` are settings, `path` that of the database. */
export async function openBench(changes: Partial<TunnelSettings> = {}, path = ':memory:'): Promise<Bench> {
  const database = await openDatabase(path);
  const events: NewEvent[] = [];
  nextPort += 40;
  const settings = { ...tunnelSettings({}), first_port: nextPort, resume_grace: 5, ...changes };
  const agents = await openAgents({
    database,
    clock: systemClock,
    logger: silentLogger,
    events: { emit: (event) => void events.push(event) },
    settings,
  });
  const http = createHttpServer({ logger: silentLogger });
  await agents.serve(http);
  const bound = await http.listen('127.0.0.1:0');
  const opened: TestAgent[] = [];
  const url = `ws://127.0.0.1:${bound.port}/tunnel`;
  const token = async (maxUses = 1, expiresInMs = 60_000) =>
    (await agents.registry.tokens.create({ name: 't', createdBy: 'x', maxUses, expiresMs: Date.now() + expiresInMs }))
      .token;
  return {
    agents,
    url,
    events,
    token,
    agent: async (options) => {
      const agent = new TestAgent({ url, token: await token(), ...options });
      opened.push(agent);
      return agent.connected();
    },
    [Symbol.asyncDispose]: async () => {
      for (const agent of opened) agent[Symbol.dispose]();
      agents.registry.stop();
      await http.close();
      await agents[Symbol.asyncDispose]();
      await database.destroy();
    },
  };
}

/** A camera in the least: sends back what it gets, and its port. */
export async function openEcho(onConnection?: (socket: Socket) => void): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    if (onConnection) onConnection(socket);
    else socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The first local port of an agent, once it has one. */
export async function localPort({ agents }: Bench, agentId: string): Promise<number> {
  for (let i = 0; i < 400; i++) {
    const port = agents.registry.ports.of(agentId)[0]?.localPort;
    if (port !== undefined) return port;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('no port');
}

/** A camera's port as agents report it. */
export const target = (port: number, tunnelPort?: number) => ({
  host: '127.0.0.1',
  port,
  service: 'rtsp' as const,
  ...(tunnelPort !== undefined && { tunnel_port: tunnelPort }),
});
