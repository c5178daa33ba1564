import type { Logger } from '@watchpost/base/logger.ts';
import type { AgentConfig, PublishConfig } from '../config/agent-config.ts';
import type { Platform, TlsTrust } from '../platform/platform.ts';
import type { PulledStream } from '../pull/camera-pull.ts';

/** More than this waits for the uplink: what comes is dropped until it has caught up. */
export const maxWaitingBytes = 4_000_000;
/** How long connecting may take. */
export const dialTimeoutMs = 10_000;
/** How often a session looks at the time. */
export const tickMs = 1000;

/** What one session publishes, and where. */
export interface PublishTask {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly publish: PublishConfig;
  /** By the file alone: bounds where a server may redirect to. */
  readonly local: AgentConfig;
  readonly stream: PulledStream;
  /** How a server with TLS is checked. */
  readonly trust: TlsTrust;
}

/** One connection with a server that takes a stream, whatever the protocol. */
export interface PublishSession {
  /** What the uplink was too slow for: packets, or frames. */
  readonly dropped: number;
  /** Resolves after `stop`; rejects where the server cannot be reached, refuses the stream or ends it. Called once. */
  run(signal: AbortSignal): Promise<void>;
  /** As `PullReader.onPacket`. */
  onPacket(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void;
  /** Says goodbye. */
  stop(): void;
}
