import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Stream } from '../../hub/stream.ts';
import { FieldError } from '../../net/problem.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies, PlayOutput } from '../dependencies.ts';
import { hostnameOf, type MediaAddress, mediaAddress } from '../media-address.ts';
import { playSchema } from '../schemas/streams.ts';
import type { StreamKeeper } from '../stream-keeper.ts';
import { type ApiApp, problems } from './route.ts';
import { streamParams } from './streams.ts';

const overWebSocket = 'ws-';

/** A way to watch, by the name that callers use. */
interface Way {
  readonly name: string;
  readonly output: PlayOutput;
}

/** Where to watch a stream: the address for one protocol, or for the best one. */
export function playRoute(app: ApiApp, deps: ApiDependencies, keeper: StreamKeeper): void {
  app.route({
    method: 'GET',
    url: '/streams/:id/play',
    config: { needs: needs.viewStream },
    schema: {
      summary: 'Get the address to watch a stream at, signed where logins are required',
      operationId: 'playStream',
      tags: ['streams'],
      params: streamParams,
      querystring: z
        .object({
          protocol: z
            .string()
            .max(20)
            .optional()
            .describe(
              '`hls`, `fmp4`, `ws-fmp4`, `flv`, `ws-flv`, `mjpeg`, `rtsp`, …; the best one where it is missing',
            ),
        })
        .strict(),
      response: { 200: playSchema, ...problems(400, 401, 403, 404, 422, 503) },
    },
    handler: async (request) => {
      const stream = keeper.get(request.params.id);
      const way = choose(waysOf(deps.outputs()), { stream, request, wanted: request.query.protocol });
      return { protocol: way.name, ...addressOf(way, { deps, request, stream }) };
    },
  });
}

function waysOf(outputs: readonly PlayOutput[]): readonly Way[] {
  return outputs.flatMap((output) => {
    const way = { name: output.protocol, output };
    return output.webSocket === true ? [way, { name: overWebSocket + output.protocol, output }] : [way];
  });
}

interface Asked {
  readonly stream: Stream;
  readonly request: FastifyRequest;
  readonly wanted: string | undefined;
}

function choose(ways: readonly Way[], asked: Asked): Way {
  const { stream, request, wanted } = asked;
  const usable = ways.filter((way) => whyNot(way, stream, request) === undefined);
  const names = usable.map(({ name }) => name).join(', ');
  const instead = names === '' ? 'and no other protocol is' : `these are: ${names}`;
  if (wanted === undefined) {
    const [best] = usable;
    if (best !== undefined) return best;
    throw new WatchpostError(`no protocol of this server can show "${stream.id}"`, {
      kind: 'unsupported',
      code: 'NO_OUTPUT',
    });
  }
  const way = ways.find(({ name }) => name === wanted);
  if (way === undefined) {
    throw new FieldError(
      [{ field: 'protocol', message: `"${wanted}" is not available here — ${instead}` }],
      'PROTOCOL_UNKNOWN',
    );
  }
  const reason = whyNot(way, stream, request);
  if (reason === undefined) return way;
  throw new WatchpostError(`"${wanted}" is not available for "${stream.id}": ${reason.text} — ${instead}`, reason);
}

/** Why a protocol cannot show a stream; undefined where it can. */
function whyNot({ output }: Way, stream: Stream, request: FastifyRequest) {
  if (output.origin && output.origin(hostnameOf(request)) === undefined)
    return { kind: 'unavailable', code: 'OUTPUT_NOT_LISTENING', text: 'it does not listen, the log says why' } as const;
  const reasons = stream.tracks.map((track) => output.leftOut(track));
  if (reasons.length === 0 || reasons.includes(undefined)) return undefined;
  return { kind: 'unsupported', code: 'OUTPUT_CARRIES_NOTHING', text: reasons.join('; ') } as const;
}

function addressOf(way: Way, parts: { deps: ApiDependencies; request: FastifyRequest; stream: Stream }): MediaAddress {
  const { deps, request, stream } = parts;
  const origin = way.output.origin?.(hostnameOf(request));
  const target = { path: way.output.path(stream.id), streamId: stream.id, action: 'live' as const };
  const address = mediaAddress(deps, request, origin === undefined ? target : { ...target, origin });
  if (!way.name.startsWith(overWebSocket)) return address;
  return { ...address, url: address.url.replace(/^http/, 'ws') };
}
