import type { Clock } from '@watchpost/base/clock.ts';
import type { BatchFacts } from '@watchpost/media/container/flv/batch-builder.ts';
import type { Sample } from '@watchpost/media/types.ts';
import type { CacheBudget } from '../../hub/cache-budget.ts';
import { LiveFlv } from '../../hub/live-flv/live-flv.ts';
import { maxHeadBytes, writeMessageHead } from '../../net/web-socket-head.ts';

/** Sound waits so long for the next picture. */
const maxAudioWaitMs = 100;

/** Tags that go out at once, serialized once for all viewers. Immutable. */
export interface FlvBatch extends BatchFacts {
  /** The tags. */
  readonly tags: Buffer;
  /** The tags as one WebSocket message: the same memory. */
  readonly message: Buffer;
}

/** Writes a batch's tags, with room for the head of a WebSocket message before them. */
export function serializeTags(facts: BatchFacts, samples: readonly Sample[]): FlvBatch {
  const { muxer, videoMs, audioMs, key, samplesBefore } = facts;
  let length = 0;
  for (let i = 0; i < samples.length; i++) length += muxer.tagBytes(samples[i]!);
  const bytes = Buffer.allocUnsafe(maxHeadBytes + length);
  let at = maxHeadBytes;
  for (let i = 0; i < samples.length; i++) at = muxer.writeTag(samples[i]!, bytes, at);
  return {
    muxer,
    videoMs,
    audioMs,
    key,
    samplesBefore,
    samples: facts.samples,
    tags: bytes.subarray(maxHeadBytes),
    message: bytes.subarray(writeMessageHead(bytes, maxHeadBytes, length)),
  };
}

/** The FLV outputs of a listener. `mergeMs`: frames are collected for so long and then sent at once. */
export function openLiveFlv(options: {
  readonly clock: Clock;
  readonly mergeMs: () => number;
  readonly budget: CacheBudget;
}): LiveFlv<FlvBatch> {
  return new LiveFlv<FlvBatch>({
    ...options,
    protocol: 'flv',
    maxAudioWaitMs,
    serialize: serializeTags,
    bytesOf: (batch) => batch.message.length,
  });
}
