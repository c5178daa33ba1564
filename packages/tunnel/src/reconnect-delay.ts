/** How an agent spaces its attempts. All times in ms. */
export interface ReconnectPolicy {
  /** The session can still be resumed: the longest wait after an attempt. */
  readonly withinGraceMs: number;
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Within the grace time a second at most; afterwards doubling to 30 s. */
export const defaultReconnectPolicy: ReconnectPolicy = { withinGraceMs: 1000, firstMs: 1000, maxMs: 30_000 };

/** What the next wait depends on. */
export interface ReconnectSituation {
  /** Attempts that failed since the connection was lost; 0 before the first. */
  readonly failures: number;
  /** A session waits to be resumed. */
  readonly canResume: boolean;
  /** What the server asked for in REFUSED or GOAWAY; 0 for nothing. */
  readonly retryAfterMs: number;
  /** From 0 up to 1; spreads agents that all lost the same server. */
  readonly random: number;
}

/** Milliseconds until the next attempt, which never stop coming (AG7). */
export function reconnectDelayMs(situation: ReconnectSituation, policy = defaultReconnectPolicy): number {
  const { failures, canResume, retryAfterMs, random } = situation;
  const doubled = Math.min(policy.firstMs * 2 ** Math.min(failures, 16), policy.maxMs);
  const ownMs = canResume ? Math.min(doubled, policy.withinGraceMs) : doubled;
  // Between half of it and all of it, and a server's wish is only ever stretched.
  const jitteredMs = ownMs * (0.5 + random / 2);
  return retryAfterMs > 0 ? Math.max(retryAfterMs * (1 + random / 2), jitteredMs) : jitteredMs;
}
