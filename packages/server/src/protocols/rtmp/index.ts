import { flvLeftOut } from '@watchpost/media/container/flv/carriage.ts';
import { describeByPull } from '../../hub/describe-by-pull.ts';
import type { Protocol } from '../../hub/types.ts';
import { checkFingerprint } from '../../net/dial-tls.ts';
import { type PullCounters, pullRtmp } from './client/pull.ts';
import { pushRtmp } from './client/push.ts';
import { rtmpSettings } from './section.ts';
import { publishAddresses, publishPaths } from './server/publish-path.ts';
import { type ServedRtmp, serveRtmp } from './server/serve.ts';
import type { RtmpCounts } from './server/server-parts.ts';

/** RTMP (Adobe RTMP 1.0, enhanced RTMP v2): takes encoders, serves players, plays from and publishes to other servers. */
export function createRtmp({ userAgent }: { userAgent: string }): Protocol {
  const counters: PullCounters = { sessions: 0, bytes: 0 };
  const counts: RtmpCounts = {
    ...{ players: 0, playersTotal: 0, bytesReceived: 0, bytesSent: 0 },
    ...{ droppedSamples: 0, stuckPlayers: 0 },
  };
  let served: ServedRtmp | undefined;
  let publishers = () => 0;
  return {
    name: 'rtmp',
    schemes: ['rtmp', 'rtmps'],
    checkSource: checkFingerprint,
    ...{ hasOwnPorts: true, takesPublishers: true, publishPaths },
    publishAddresses: (stream, hostname) => publishAddresses(stream, { ports: served?.ports.open ?? {}, hostname }),
    stats: () => ({
      pull_sessions: counters.sessions,
      pull_bytes: counters.bytes,
      connections: served?.listener.connections ?? 0,
      publishers: publishers(),
      players: counts.players,
      players_total: counts.playersTotal,
      streams_muxed: served?.listener.muxing ?? 0,
      bytes_received: counts.bytesReceived,
      bytes_sent: counts.bytesSent,
      dropped_samples: counts.droppedSamples,
      stuck_players: counts.stuckPlayers,
    }),
    play: {
      path: (streamId) => `/live/${streamId}`,
      leftOut: flvLeftOut,
      origin: (hostname) =>
        served?.ports.open.plain === undefined ? undefined : `rtmp://${hostname}:${served.ports.open.plain}`,
    },
    pull: (source, publish, context) =>
      pullRtmp({ source, context, userAgent, counters, ...rtmpSettings(context.section) }, publish),
    describe: (source, context) =>
      describeByPull(context, (publish, own) =>
        pullRtmp({ source, context: own, userAgent, counters, ...rtmpSettings(own.section) }, publish),
      ),
    push: (stream, target, context) => {
      const { chunkSize } = rtmpSettings(context.section);
      return pushRtmp(stream, target, { context, chunkSize, userAgent });
    },
    listen: async (hub, context) => {
      const own = await serveRtmp(hub, context, counts);
      served = own;
      publishers = () => hub.publishers.countOf('rtmp');
      return {
        reload: () => own.ports.look(),
        [Symbol.asyncDispose]: async () => {
          served = undefined;
          await own[Symbol.asyncDispose]();
        },
      };
    },
  };
}
