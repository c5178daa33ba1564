import type { Protocol } from '../../hub/types.ts';
import { ChunkPool } from './chunk-pool.ts';
import { describeRtsp, type PullCounters, pullRtsp } from './pull.ts';
import { rtspSettings } from './section.ts';
import { RtspListener } from './server/listener.ts';
import type { PlayerCounts } from './server/player.ts';
import { leftOut } from './server/served-tracks.ts';

/** RTSP (RFC 2326): pulls cameras over TCP; serves players and takes publishers over TCP and UDP. */
export function createRtsp(options: { userAgent: string }): Protocol {
  const counters: PullCounters = { sessions: 0, bytes: 0 };
  const counts: PlayerCounts = { players: 0, playersTotal: 0, bytesSent: 0, stuckPlayers: 0 };
  const { userAgent } = options;
  const pool = new ChunkPool();
  let listener: RtspListener | undefined;
  let port: number | undefined;
  return {
    name: 'rtsp',
    schemes: ['rtsp'],
    takesPublishers: true,
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
      origin: (hostname) => (port === undefined ? undefined : `rtsp://${hostname}:${port}`),
    },
    pull: (source, publish, context) => pullRtsp({ source, context, userAgent, counters, pool }, publish),
    describe: (source, context) => describeRtsp({ source, context, userAgent, counters, pool }),
    listen: async (hub, context) => {
      const settings = rtspSettings(context.section);
      const own = new RtspListener(hub, context, { settings, serverName: userAgent, counts });
      listener = own;
      try {
        ({ port } = await own.listen(settings.bind));
        context.logger.info('Listening', { host: settings.bind.host, port });
      } catch (thrown) {
        // Cameras, console and recorder work without it.
        context.logger.error((thrown as Error).message, { error: thrown });
        await own[Symbol.asyncDispose]();
      }
      return {
        [Symbol.asyncDispose]: async () => {
          port = undefined;
          await own[Symbol.asyncDispose]();
        },
      };
    },
  };
}
