import type { RecordedSource } from '../../catalog/recorded-source.ts';
import type { Protocol, ProtocolContext, PublishAddress } from '../../hub/types.ts';
import type { ListeningPorts } from '../../net/protocol-ports.ts';
import { RestRounds } from '../../net/rest-rounds.ts';
import { openBackChannel } from './back-channel.ts';
import type { PullCounters } from './camera-session.ts';
import { ChunkPool } from './chunk-pool.ts';
import { KnownTransports } from './known-transports.ts';
import { describeRtsp, pullRtsp } from './pull.ts';
import { pushRtsp } from './push.ts';
import type { RtspListener } from './server/listener.ts';
import type { PlayerCounts } from './server/player.ts';
import { RtpOutputs } from './server/rtp-output.ts';
import { serveRtsp } from './server/serve.ts';
import { leftOut } from './server/served-tracks.ts';
import { rtspSettings } from './server/settings.ts';
import { UdpPorts } from './server/udp-ports.ts';
import { SharedLogins } from './shared-logins.ts';
import { checkSource, pullSchemes } from './source-options.ts';

/** RTSP (RFC 2326): pulls cameras over TCP, UDP, multicast, TLS and HTTP; serves players and takes publishers, the same ways. */
export function createRtsp(options: {
  readonly userAgent: string;
  /** Asked when it listens. */
  readonly recordings?: () => RecordedSource | undefined;
}): Protocol {
  const counters: PullCounters = { sessions: 0, bytes: 0 };
  const counts: PlayerCounts = { players: 0, playersTotal: 0, bytesSent: 0, stuckPlayers: 0 };
  const { userAgent } = options;
  const shared = sharedByPulls(userAgent, counters);
  let outputs: RtpOutputs | undefined;
  let listener: RtspListener | undefined;
  let at: ListeningPorts = {};
  return {
    name: 'rtsp',
    ...{ schemes: pullSchemes, checkSource },
    ...{ hasOwnPorts: true, takesPublishers: true },
    ...{ publishAddresses: ({ id }, hostname) => addressesOf(id, hostname, at) },
    stats: () => ({
      pull_sessions: counters.sessions,
      pull_bytes: counters.bytes,
      connections: listener?.connections ?? 0,
      players: counts.players,
      players_total: counts.playersTotal,
      publishers: listener?.publishers ?? 0,
      bytes_sent: counts.bytesSent,
      stuck_players: counts.stuckPlayers,
    }),
    play: {
      path: (streamId) => `/live/${streamId}`,
      leftOut,
      origin: (hostname) => (at.plain === undefined ? undefined : `rtsp://${hostname}:${at.plain}`),
    },
    pull: (source, publish, context) => pullRtsp({ source, ...shared(context) }, publish),
    push: (stream, target, context) => {
      outputs ??= new RtpOutputs(context.clock, undefined);
      return pushRtsp(stream, target, { context, userAgent, outputs });
    },
    talk: (source, codecs, context) => openBackChannel({ source, context, userAgent }, codecs),
    describe: (source, context) => describeRtsp({ source, ...shared(context) }),
    listen: async (hub, context) => {
      const recordings = options.recordings?.();
      const served = await serveRtsp(hub, context, {
        ...{ serverName: userAgent, counts },
        ...(recordings && { recordings }),
      });
      [at, listener] = [served.ports.open, served.listener];
      return {
        reload: () => served.ports.look(),
        [Symbol.asyncDispose]: async () => {
          [at, listener] = [{}, undefined];
          await served[Symbol.asyncDispose]();
        },
      };
    },
  };
}

/** What all pulls have in common, and the context of each. */
function sharedByPulls(userAgent: string, counters: PullCounters) {
  const pool = new ChunkPool();
  const known = new KnownTransports();
  const logins = new SharedLogins();
  let rounds: RestRounds | undefined;
  let { portRange } = rtspSettings({});
  const ports = new UdpPorts(() => portRange);
  return (context: ProtocolContext) => {
    ({ portRange } = rtspSettings(context.section));
    rounds ??= new RestRounds(context.clock);
    return { context, userAgent, counters, pool, ports, known, logins, rounds };
  };
}

function addressesOf(id: string, hostname: string, { plain, tls }: ListeningPorts): readonly PublishAddress[] {
  return [
    ...(plain === undefined ? [] : [{ server: `rtsp://${hostname}:${plain}/live/${id}` }]),
    ...(tls === undefined ? [] : [{ server: `rtsps://${hostname}:${tls}/live/${id}` }]),
  ];
}
