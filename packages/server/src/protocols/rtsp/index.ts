import type { Protocol } from '../../hub/types.ts';
import { ChunkPool } from './chunk-pool.ts';
import { describeRtsp, type PullCounters, pullRtsp } from './pull.ts';

/** RTSP (RFC 2326): pulls cameras over TCP. */
export function createRtsp(options: { userAgent: string }): Protocol {
  const counters: PullCounters = { sessions: 0, bytes: 0 };
  const { userAgent } = options;
  const pool = new ChunkPool();
  return {
    name: 'rtsp',
    schemes: ['rtsp'],
    stats: () => ({ pull_sessions: counters.sessions, pull_bytes: counters.bytes }),
    pull: (source, publish, context) => pullRtsp({ source, context, userAgent, counters, pool }, publish),
    describe: (source, context) => describeRtsp({ source, context, userAgent, counters, pool }),
  };
}
