import type { Socket } from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import { flvLeftOut } from '@watchpost/media/container/flv/carriage.ts';
import { beginMessages, chunkSerializer, maxAudioWaitMs, type RtmpBatch } from '@watchpost/media/rtmp/media-batch.ts';
import { CacheBudget } from '../../../hub/cache-budget.ts';
import { BatchVoices } from '../../../hub/live-flv/batch-voices.ts';
import { LiveFlv } from '../../../hub/live-flv/live-flv.ts';
import type { Stream } from '../../../hub/stream.ts';
import type { PushContext } from '../../../hub/types.ts';
import { BatchSender } from '../batch-sender.ts';
import { Dialog } from './dialog.ts';

/** What one target may keep waiting. */
const budgetBytes = 32 * 1024 * 1024;

/** Publishes a stream at another server until its signal aborts or the session ends; rejects with the reason. */
export async function pushRtmp(
  stream: Stream,
  target: SourceUrl,
  { context, chunkSize, userAgent }: { context: PushContext; chunkSize: number; userAgent: string },
): Promise<void> {
  const reasons = stream.tracks.map(flvLeftOut);
  if (reasons.length > 0 && !reasons.includes(undefined)) {
    throw new WatchpostError(`RTMP carries nothing of the stream "${stream.id}" — ${reasons.join('; ')}`, {
      kind: 'unsupported',
      code: 'RTMP_NOTHING_TO_CARRY',
    });
  }
  let sender: BatchSender | undefined;
  const begin = (socket: Socket, streamId: number) => {
    sender = openSender(stream, socket, { context, chunkSize, streamId, onEnd: (reason) => dialog.end(reason) });
    context.accepted();
    sender.start();
  };
  const dialog: Dialog = new Dialog(
    { source: target, mode: 'publish', context, chunkSize, userAgent },
    { onActive: begin },
  );
  try {
    await dialog.run();
  } finally {
    sender?.stop();
  }
}

/** Chunks of its own: the server chose the number of the message stream. */
function openSender(
  stream: Stream,
  socket: Socket,
  options: { context: PushContext; chunkSize: number; streamId: number; onEnd: (reason: WatchpostError) => void },
): BatchSender {
  const { context, chunkSize, streamId, onEnd } = options;
  const { clock } = context;
  const live = new LiveFlv<RtmpBatch>({
    ...{ clock, budget: new CacheBudget(budgetBytes), protocol: 'push', mergeMs: () => 0, maxAudioWaitMs },
    serialize: chunkSerializer({ chunkSize, streamId, allocate: Buffer.allocUnsafe }),
    bytesOf: (batch) => batch.bytes.length,
  });
  return new BatchSender(socket, {
    stream,
    clock,
    open: (reader) => live.open(stream, 'fourcc', { ...reader, protocol: 'push' }),
    begin: (batch) => beginMessages(batch.muxer, batch, { chunkSize, streamId, toServer: true }),
    voices: new BatchVoices(
      (batch) => batch.bytes,
      (bytes) => context.sent(bytes),
    ),
    onDropped: () => {},
    onEnd,
  });
}
