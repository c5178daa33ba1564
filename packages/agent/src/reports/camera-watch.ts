import type { Platform } from '../platform/platform.ts';

/** What the agent saw of one camera. */
export interface CameraHealth {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly reachable: boolean;
  /** How long the last connection took to stand. */
  readonly connectMs?: number;
  /** Bits per second from the camera through the agent, since the last report. */
  readonly bitrate: number;
  readonly error?: string;
}

const knockTimeoutMs = 3000;

/** A camera's port to look after. */
export interface WatchedPort {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

interface Traffic {
  bytes: number;
  /** A channel or pull connected since the last report. */
  connected: boolean;
}

/** Counts what comes from each camera and finds out which ones answer. */
export class CameraWatch {
  readonly #platform: Platform;
  readonly #traffic = new Map<string, Traffic>();
  #sinceMs: number;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#sinceMs = platform.clock.monotonicMs();
  }

  /** Counts bytes of a camera; `host` and `port` as they were dialled. */
  count(host: string, port: number, bytes: number): void {
    const traffic = this.#trafficOf(host, port);
    traffic.bytes += bytes;
    traffic.connected = true;
  }

  /** State of these ports. A port that is in use is not knocked on: some cameras take few connections. */
  async report(ports: readonly WatchedPort[]): Promise<readonly CameraHealth[]> {
    const nowMs = this.#platform.clock.monotonicMs();
    const elapsedS = Math.max(nowMs - this.#sinceMs, 1) / 1000;
    this.#sinceMs = nowMs;
    const reports = await Promise.all(
      ports.map(async ({ name, host, port }) => {
        const { bytes, connected } = this.#trafficOf(host, port);
        const bitrate = Math.round((bytes * 8) / elapsedS);
        if (connected && bytes > 0) return { name, host, port, reachable: true, bitrate };
        return { name, host, port, bitrate, ...(await this.#knock(host, port)) };
      }),
    );
    this.#traffic.clear();
    return reports;
  }

  #trafficOf(host: string, port: number): Traffic {
    const key = `${host} ${port}`;
    let traffic = this.#traffic.get(key);
    if (!traffic) {
      traffic = { bytes: 0, connected: false };
      this.#traffic.set(key, traffic);
    }
    return traffic;
  }

  async #knock(host: string, port: number): Promise<{ reachable: boolean; connectMs?: number; error?: string }> {
    const { clock } = this.#platform;
    const beganMs = clock.monotonicMs();
    try {
      const handler = { onData: () => {}, onClose: () => {} };
      (await this.#platform.dial({ host, port, timeoutMs: knockTimeoutMs }, handler)).destroy();
      return { reachable: true, connectMs: Math.round(clock.monotonicMs() - beganMs) };
    } catch (error) {
      return { reachable: false, error: (error as Error).message };
    }
  }
}
