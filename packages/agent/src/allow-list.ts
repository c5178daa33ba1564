import type { AgentConfig, Target } from './config/agent-config.ts';

/**
 * Which addresses the server may reach: those of the configuration, the ports of its cameras, and of cameras that were
 * found where `discovery.register` says so. Asked at each channel; no server can lengthen it.
 */
export class AllowList {
  readonly #fixed: readonly Target[];
  #found: readonly Target[] = [];
  /** Ports that a server asked to close. */
  readonly #closed = new Set<string>();

  constructor(config: Pick<AgentConfig, 'cameras' | 'tunnel' | 'discovery'>) {
    const ofCameras = config.cameras.flatMap(({ host, rtspPort, ports, onvifPort }) =>
      [rtspPort, ...ports, ...(onvifPort === undefined ? [] : [onvifPort])].map((port) => ({ host, port })),
    );
    const own = { host: '127.0.0.1', port: config.tunnel.remotePort };
    const fixed = [...config.tunnel.targets, ...ofCameras];
    this.#fixed = fixed.length > 0 || config.discovery.enabled ? fixed : [own];
  }

  /** Cameras that were found now; those of the last search are forgotten. */
  setFound(targets: readonly Target[]): void {
    this.#found = targets;
  }

  /** True where a channel may be opened. */
  allows(target: Target): boolean {
    return !this.#closed.has(keyOf(target)) && this.mayOpen(target);
  }

  /** True where the agent's own rules allow it, closed or not. */
  mayOpen({ host, port }: Target): boolean {
    const isOpen = has(this.#fixed, { host, port }) || has(this.#found, { host, port });
    return port > 0 && port < 65_536 && isOpen;
  }

  /** True for a port of a camera that was found. */
  isFound(target: Target): boolean {
    return has(this.#found, target);
  }

  /** Forbids a port until it is opened again, or the agent starts anew. */
  close(target: Target): void {
    if (this.mayOpen(target)) this.#closed.add(keyOf(target));
  }

  /** Takes a `close` back; false where the agent's own rules forbid the target. */
  open(target: Target): boolean {
    this.#closed.delete(keyOf(target));
    return this.mayOpen(target);
  }

  /** Targets with a port, for the server to know: those of the configuration first. */
  list(): readonly Target[] {
    const seen = new Set<string>();
    return [...this.#fixed, ...this.#found].filter((target) => {
      const key = keyOf(target);
      if (target.port === 0 || seen.has(key) || this.#closed.has(key)) return false;
      seen.add(key);
      return true;
    });
  }
}

function has(targets: readonly Target[], { host, port }: Target): boolean {
  const wanted = host.toLowerCase();
  return targets.some((entry) => entry.host === wanted && (entry.port === port || entry.port === 0));
}

function keyOf({ host, port }: Target): string {
  return `${host.toLowerCase()} ${port}`;
}
