import type { SessionLimits } from './types.ts';

const kib = 1024;
const mib = 1024 * kib;

/** What the server holds for one agent. Agents open few channels; the server opens those of the cameras. */
export const serverLimits: SessionLimits = {
  maxChannels: 32,
  window: { initialBytes: 128 * kib, maxBytes: 16 * mib },
  sessionBytes: 64 * mib,
  bufferBytes: 16 * mib,
};

/** What an agent holds: little of what the server sends, and the resend buffer for what its cameras send. */
export const agentLimits: SessionLimits = {
  maxChannels: 256,
  window: { initialBytes: 32 * kib, maxBytes: 2 * mib },
  sessionBytes: 12 * mib,
  bufferBytes: 16 * mib,
};

/** What of the limits the other end must know. */
export interface AnnouncedLimits {
  readonly maxChannels: number;
  /** Bytes that may be sent on a channel before its first CREDIT. */
  readonly initialWindowBytes: number;
  /** Bytes that may be sent on all channels together before the first SESSION_CREDIT. */
  readonly sessionBytes: number;
}

/** All initial windows fit, so that a stalled channel takes nothing that another was promised. */
export function announcedLimits(limits: SessionLimits, peerMaxChannels: number): AnnouncedLimits {
  const initial = (limits.maxChannels + peerMaxChannels) * limits.window.initialBytes;
  return {
    maxChannels: limits.maxChannels,
    initialWindowBytes: limits.window.initialBytes,
    sessionBytes: Math.max(limits.sessionBytes, initial),
  };
}
