import type { Dial } from '../net/dial.ts';
import type { HttpServer } from '../net/http-server.ts';
import { AgentRegistry, type AgentRegistryOptions } from './agent-registry.ts';
import { CameraPages, type PageLimits } from './camera-pages.ts';
import type { TunnelSettings } from './section.ts';
import { createTunnelDial, dialAgent } from './tunnel-dial.ts';

/** Agents, and how protocols reach what is behind them. */
export interface Agents extends AsyncDisposable {
  readonly registry: AgentRegistry;
  /** For sources whose scheme ends in `+tunnel`. */
  readonly dial: Dial;
  /** The web pages of cameras. */
  readonly pages: CameraPages;
  /** Opens the ports of cameras, after whatever has a port that people chose, and begins to take agents. */
  serve(http: HttpServer): Promise<void>;
  /** Takes new settings, all but the addresses that are listened on. */
  configure(settings: TunnelSettings): void;
}

/** Reads what is remembered; agents are taken once `serve` was called. */
export async function openAgents(options: AgentRegistryOptions): Promise<Agents> {
  const registry = await AgentRegistry.open(options);
  const { clock, settings } = options;
  const pages = new CameraPages({
    clock,
    bind: settings.page_bind,
    port: settings.page_port,
    ...pageLimits(settings),
    dial: (target) => dialAgent(registry, clock, { ...target, priority: 'bulk' }),
  });
  return {
    registry,
    pages,
    dial: createTunnelDial(registry, options.clock),
    serve: async (http) => {
      await registry.ports.restore();
      http.onUpgrade(settings.path, (request, socket, head) => registry.upgrade(request, socket, head));
    },
    configure: (changed) => {
      registry.configure(changed);
      pages.configure(pageLimits(changed));
    },
    [Symbol.asyncDispose]: async () => {
      await pages[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

function pageLimits({ page_ports: maxPorts, page_url: address }: TunnelSettings): PageLimits {
  return { maxPorts, address };
}

/** True for addresses that go through an agent. */
export function isTunnelled(scheme: string): boolean {
  return scheme.endsWith('+tunnel');
}
