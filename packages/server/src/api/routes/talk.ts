import type { Readable } from 'node:stream';
import { sleep } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { z } from 'zod';
import { codecsFor, TalkPacer } from '../../hub/talk/talk-pacer.ts';
import type { TalkChannel } from '../../hub/types.ts';
import { FieldError } from '../../net/problem.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { talkFormat, talkSchema } from '../schemas/talk.ts';
import type { StreamKeeper } from '../stream-keeper.ts';
import { type ApiApp, problems } from './route.ts';
import { streamParams } from './streams.ts';

/** Two minutes of 16-bit samples. */
const maxBodyBytes = 2 * 1024 * 1024;
/** So much is taken from the body ahead of what is sent. */
const aheadMs = 1000;
const waitMs = 100;
/** What a device still plays when the last frame was sent. */
const tailMs = 200;
const mediaType = 'application/octet-stream';

/** `POST /streams/{id}/talk`: an announcement. Live speech takes a WebSocket at the same path. */
export function talkRoutes(app: ApiApp, deps: ApiDependencies, keeper: StreamKeeper): void {
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
        'it was sent. A WebSocket at the same path takes live speech: binary messages with any number of bytes of samples, ' +
        'or one AAC frame each. The first message of the server is text, `{"type":"ready","codec":…,"clock_rate":…}`; ' +
        'samples are wanted at that rate. One talker at a time: 409 for a second one.',
      operationId: 'talk',
      tags: ['streams'],
      params: streamParams,
      querystring: z.object({ codec: talkFormat }).strict(),
      response: { 200: talkSchema, ...problems(400, 401, 403, 404, 409, 422, 503, 504) },
    },
    handler: async (request) => {
      const stream = keeper.get(request.params.id);
      const { codec: format } = request.query;
      if (format === 'aac')
        throw new FieldError([{ field: 'codec', message: 'frames of AAC need a WebSocket, one message each' }]);
      const body = request.body as Readable | undefined;
      if (body === undefined || typeof body.read !== 'function')
        throw new FieldError([{ field: 'body', message: `is missing: send sound as ${mediaType}` }]);
      const channel = await deps.talk.open(stream, codecsFor(format));
      const pacer = new TalkPacer(channel, deps.clock, { format, maxQueueMs: Number.POSITIVE_INFINITY });
      try {
        const bytes = await announce(body, { pacer, channel, deps });
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

interface Announcement {
  readonly pacer: TalkPacer;
  readonly channel: TalkChannel;
  readonly deps: ApiDependencies;
}

/** Plays a body to its end; returns how many bytes it had. */
async function announce(body: Readable, { pacer, channel, deps }: Announcement): Promise<number> {
  const over = new AbortController();
  void channel.ended.then((reason) => over.abort(reason ?? closedError()));
  let bytes = 0;
  const drain = async (toMs: number) => {
    while (pacer.queuedMs > toMs) await sleep(deps.clock, waitMs, over.signal);
  };
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > maxBodyBytes)
        throw new FieldError([{ field: 'body', message: `is larger than ${maxBodyBytes} bytes` }]);
      pacer.push(chunk);
      await drain(aheadMs);
    }
    pacer.flush();
    await drain(0);
    await sleep(deps.clock, tailMs, over.signal);
    return bytes;
  } catch (thrown) {
    throw toWatchpostError(thrown);
  }
}

function closedError(): WatchpostError {
  return new WatchpostError('the camera closed its back channel', { kind: 'unavailable', code: 'TALK_ENDED' });
}
