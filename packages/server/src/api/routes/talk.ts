import type { Readable } from 'node:stream';
import { sleep } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Stream } from '../../hub/stream.ts';
import { codecsFor, TalkPacer } from '../../hub/talk/talk-pacer.ts';
import type { TalkChannel } from '../../hub/types.ts';
import { FieldError } from '../../net/problem.ts';
import type { GrantWatch } from '../auth/grant-watch.ts';
import { needRole, needStream } from '../auth/guard.ts';
import { anybody } from '../auth/principal.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { talkFormat, talkSchema } from '../schemas/talk.ts';
import type { StreamKeeper } from '../stream-keeper.ts';
import { type ApiApp, problems } from './route.ts';
import { streamParams } from './streams.ts';

/** Two minutes of 16-bit samples. */
const maxBodyBytes = 2 * 1024 * 1024;
const waitMs = 100;
/** What a device still plays when the last frame was sent. */
const tailMs = 200;
const mediaType = 'application/octet-stream';

/** `POST /streams/{id}/talk`: an announcement. Live speech takes a WebSocket at the same path. */
export function talkRoutes(
  app: ApiApp,
  deps: ApiDependencies,
  { keeper, watch }: { readonly keeper: StreamKeeper; readonly watch: GrantWatch },
): void {
  if (!app.hasContentTypeParser(mediaType))
    app.addContentTypeParser(mediaType, (_request, body, done) => done(null, body));
  app.route({
    method: 'POST',
    url: '/streams/:id/talk',
    bodyLimit: maxBodyBytes,
    config: { needs: needs.operateStream, audit: 'talk' },
    schema: {
      summary: 'Speak through a camera: an announcement',
      description:
        'The body is sound (`application/octet-stream`, at most 2 MiB), played as it comes; the answer follows when all of ' +
        'it was sent. Whoever hangs up before ends it. A WebSocket at the same path takes live speech: binary messages with any number of bytes of samples, ' +
        'or one AAC frame each. The first message of the server is text, `{"type":"ready","codec":…,"clock_rate":…}`; ' +
        'samples are wanted at that rate. One talker at a time: 409 for a second one.',
      operationId: 'talk',
      tags: ['streams'],
      params: streamParams,
      querystring: z.object({ codec: talkFormat }).strict(),
      response: { 200: talkSchema, ...problems(400, 401, 403, 404, 409, 422, 503, 504) },
    },
    handler: async (request, reply) => {
      const stream = keeper.get(request.params.id);
      const { codec: format } = request.query;
      if (format === 'aac')
        throw new FieldError([{ field: 'codec', message: 'frames of AAC need a WebSocket, one message each' }]);
      const body = request.body as Readable | undefined;
      if (body === undefined || typeof body.read !== 'function')
        throw new FieldError([{ field: 'body', message: `is missing: send sound as ${mediaType}` }]);
      const channel = await deps.talk.open(stream, codecsFor(format));
      const pacer = new TalkPacer(channel, deps.clock, { format, maxQueueMs: Number.POSITIVE_INFINITY });
      using over = endOf(request as FastifyRequest, reply as FastifyReply, { stream, channel, watch, deps });
      try {
        const bytes = await announce(body, { pacer, signal: over.signal, deps });
        const bytesPerSample = format === 'pcm' ? 2 : 1;
        return {
          stream_id: stream.id,
          codec: channel.track.codec,
          seconds: bytes / bytesPerSample / channel.track.clockRate,
        };
      } finally {
        pacer.close();
        channel.close();
      }
    },
  });
}

interface Spoken {
  readonly stream: Stream;
  readonly channel: TalkChannel;
  readonly watch: GrantWatch;
  readonly deps: ApiDependencies;
}

/** Aborts when the device or whoever speaks hangs up, when the right to speak ends, and when the stream is removed. */
function endOf(
  request: FastifyRequest,
  { raw }: FastifyReply,
  { stream, channel, watch, deps }: Spoken,
): Disposable & { readonly signal: AbortSignal } {
  const over = new AbortController();
  const grant = watch.grant(request.principal ?? anybody, {
    check: (rights) => {
      needRole(rights, needs.operateStream.role);
      needStream(rights, stream.id);
    },
  });
  const onClose = () => over.abort(hungUpError());
  raw.once('close', onClose);
  if (raw.destroyed) onClose();
  const forgetGrant = grant.onEnd((reason) => over.abort(reason));
  const forgetHub = deps.hub.onChange((change) => {
    if (change.type !== 'removed' || change.stream !== stream) return;
    over.abort(new WatchpostError('The stream was removed', { kind: 'not_found', code: 'STREAM_REMOVED' }));
  });
  void channel.ended.then((reason) => over.abort(reason ?? closedError()));
  return {
    signal: over.signal,
    [Symbol.dispose]: () => {
      raw.off('close', onClose);
      forgetGrant();
      forgetHub();
    },
  };
}

interface Announcement {
  readonly pacer: TalkPacer;
  readonly signal: AbortSignal;
  readonly deps: ApiDependencies;
}

/** Plays a body to its end; returns how many bytes it had. Rejects as soon as `signal` aborts, also while the body stalls. */
async function announce(body: Readable, { pacer, signal, deps }: Announcement): Promise<number> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  if (signal.aborted) reject(signal.reason);
  try {
    return await Promise.race([play(body, { pacer, signal, deps }), aborted]);
  } catch (thrown) {
    // The body of whoever hangs up may fail before their connection is told closed.
    throw toWatchpostError(body.errored ? hungUpError() : thrown);
  }
}

async function play(body: Readable, { pacer, signal, deps }: Announcement): Promise<number> {
  let bytes = 0;
  // All of it is taken as it comes: whoever hangs up is not noticed while their socket is not read.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes)
      throw new FieldError([{ field: 'body', message: `is larger than ${maxBodyBytes} bytes` }]);
    pacer.push(chunk);
  }
  pacer.flush();
  while (pacer.queuedMs > 0) await sleep(deps.clock, waitMs, signal);
  await sleep(deps.clock, tailMs, signal);
  return bytes;
}

function closedError(): WatchpostError {
  return new WatchpostError('the camera closed its back channel', { kind: 'unavailable', code: 'TALK_ENDED' });
}

function hungUpError(): WatchpostError {
  return new WatchpostError('whoever spoke hung up', { kind: 'canceled', code: 'CANCELED' });
}
