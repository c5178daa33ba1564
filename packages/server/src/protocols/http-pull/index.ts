import { describeByPull } from '../../hub/describe-by-pull.ts';
import type { Protocol } from '../../hub/types.ts';
import { checkFingerprint } from '../../net/dial-tls.ts';
import type { PullCounters } from './http-source.ts';
import { pullHttp } from './pull.ts';

/** Sources behind `http://` and `https://`: HLS, FLV and MPEG-TS, by content. */
export function createHttpPull({ userAgent }: { userAgent: string }): Protocol {
  const counters: PullCounters = { sessions: 0, bytes: 0 };
  return {
    name: 'http',
    schemes: ['http', 'https'],
    checkSource: checkFingerprint,
    stats: () => ({ pull_sessions: counters.sessions, pull_bytes: counters.bytes }),
    pull: (source, publish, context) => pullHttp({ source, context, userAgent, counters }, publish),
    describe: (source, context) =>
      describeByPull(context, (publish, own) => pullHttp({ source, context: own, userAgent, counters }, publish)),
  };
}
