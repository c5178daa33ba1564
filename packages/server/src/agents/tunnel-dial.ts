import type { Socket } from 'node:net';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Priority } from '@watchpost/tunnel/types.ts';
import type { Dial, DialTarget } from '../net/dial.ts';
import type { AgentRegistry } from './agent-registry.ts';
import { ChannelSocket } from './channel-socket.ts';

const defaultTimeoutMs = 10_000;

/** What an address behind a tunnel means: the agent, and the host as the agent dials it. */
export interface TunnelAddress {
  readonly agentId: string;
  readonly host: string;
}

interface AgentTarget extends DialTarget {
  readonly agentId: string;
  readonly priority: Priority;
}

/**
 * Reads the host of `rtsp+tunnel://HOST:554/…`. `AGENT` is the agent's target with that port; `CAMERA.AGENT` names one of
 * several with the same port, by its host or the id of its camera.
 */
export function tunnelAddress(registry: AgentRegistry, host: string, port: number): TunnelAddress {
  const agentId = registry.session(host) ? host : agentAtEnd(registry, host);
  const session = registry.require(agentId);
  const prefix = agentId === host ? undefined : host.slice(0, -agentId.length - 1);
  const ports = registry.ports.of(agentId).filter((target) => target.port === port);
  if (prefix === undefined) return { agentId, host: ports[0]?.host ?? '127.0.0.1' };
  const camera = session.cameras.find(({ id }) => id === prefix);
  return { agentId, host: camera?.host ?? prefix };
}

/** Dials through the tunnels of agents. */
export function createTunnelDial(registry: AgentRegistry, clock: Clock): Dial {
  return async (target) => {
    const address = tunnelAddress(registry, target.host, target.port);
    return dialAgent(registry, clock, { ...target, ...address, priority: 'live' });
  };
}

/** A connection that an agent dials; `host` is as the agent knows it. */
export function dialAgent(registry: AgentRegistry, clock: Clock, target: AgentTarget): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { signal, onRead, port, agentId, host, priority } = target;
    if (signal?.aborted) return reject(signal.reason);
    const socket = new ChannelSocket({
      opened: () => {
        settle();
        resolve(socket as unknown as Socket);
      },
      onRead,
    });
    const onError = (error: Error) => fail(error);
    const onClose = () => fail(closedEarly(target));
    const onAbort = () => fail(signal?.reason);
    const timeoutMs = target.timeoutMs ?? defaultTimeoutMs;
    const cancelTimer = clock.after(timeoutMs, () => fail(timedOut(target, timeoutMs)));
    const settle = () => {
      cancelTimer();
      socket.off('error', onError);
      socket.off('close', onClose);
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (reason: unknown) => {
      settle();
      socket.on('error', () => {});
      socket.destroy();
      reject(reason);
    };
    socket.once('error', onError);
    socket.once('close', onClose);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      socket.use(registry.open({ agentId, host, port, priority }, socket.handler));
    } catch (thrown) {
      fail(thrown);
    }
  });
}

function agentAtEnd(registry: AgentRegistry, host: string): string {
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1))
    if (registry.session(host.slice(dot + 1))) return host.slice(dot + 1);
  return host;
}

function timedOut({ agentId, host, port }: AgentTarget, timeoutMs: number): WatchpostError {
  return new WatchpostError(
    `The agent "${agentId}" did not reach ${host}:${port} within ${timeoutMs / 1000} s — check the camera and the agent's network`,
    { kind: 'timeout', code: 'DIAL_TIMEOUT', context: { agentId, host, port } },
  );
}

function closedEarly({ agentId, host, port }: AgentTarget): WatchpostError {
  return new WatchpostError(`The agent "${agentId}" could not open ${host}:${port}`, {
    kind: 'unavailable',
    code: 'DIAL_REFUSED',
    context: { agentId, host, port },
  });
}
