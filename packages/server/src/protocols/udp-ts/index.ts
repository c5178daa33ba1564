import { describeByPull } from '../../hub/describe-by-pull.ts';
import type { Protocol } from '../../hub/types.ts';
import { type PullCounters, pullUdp } from './pull.ts';

/** MPEG-TS over UDP, unicast and multicast, plain or in RTP (RFC 2250): `udp://239.1.2.3:1234`. */
export function createUdpTs(): Protocol {
  const counters: PullCounters = { sessions: 0, bytes: 0, strangers: 0 };
  return {
    name: 'udp',
    schemes: ['udp'],
    stats: () => ({
      pull_sessions: counters.sessions,
      pull_bytes: counters.bytes,
      packets_of_others: counters.strangers,
    }),
    pull: (source, publish, context) => pullUdp({ source, context, counters }, publish),
    describe: (source, context) =>
      describeByPull(context, (publish, own) => pullUdp({ source, context: own, counters }, publish)),
  };
}
