import { concatBytes } from '@watchpost/base/bytes.ts';
import { writeAmf0 } from '../container/flv/amf0.ts';
import type { BatchFacts, SerializeBatch } from '../container/flv/batch-builder.ts';
import { flvTagType } from '../container/flv/codes.ts';
import { type FlvMuxer, type HeaderTimes, headTimestampMs } from '../container/flv/muxer.ts';
import type { Sample } from '../types.ts';
import { chunkMessage, chunkOverhead, writeChunks } from './chunk-writer.ts';
import { chunkStream } from './codes.ts';

/** Sound waits so long for the next picture, which spares a write to each player; more would be noticed as delay. */
export const maxAudioWaitMs = 20;

/** Messages that go out at once, as chunks, serialized once for all players. Immutable. */
export interface RtmpBatch extends BatchFacts {
  readonly bytes: Uint8Array;
}

/** Where messages go. */
export interface RtmpOutputFormat {
  readonly chunkSize: number;
  /** The message stream. */
  readonly streamId: number;
  /** Memory for batches, of which every byte is written; zeroed by default. */
  readonly allocate?: (bytes: number) => Uint8Array;
}

/** Writes batches as chunks of a size, headers included. */
export function chunkSerializer(format: RtmpOutputFormat): SerializeBatch<RtmpBatch> {
  const { chunkSize, streamId, allocate = zeroed } = format;
  return (facts, samples) => {
    const { muxer, videoMs, audioMs, key, samplesBefore } = facts;
    let total = 0;
    for (let i = 0; i < samples.length; i++) {
      const length = muxer.bodyBytes(samples[i]!);
      total += length + chunkOverhead(length, muxer.timestampMs(samples[i]!), chunkSize);
    }
    const bytes = allocate(total);
    let at = 0;
    for (let i = 0; i < samples.length; i++)
      at = writeSample(bytes, at, { muxer, sample: samples[i]!, chunkSize, streamId });
    return { muxer, videoMs, audioMs, key, samplesBefore, samples: facts.samples, bytes };
  };
}

function zeroed(bytes: number): Uint8Array {
  return new Uint8Array(bytes);
}

function writeSample(
  into: Uint8Array,
  at: number,
  { muxer, sample, chunkSize, streamId }: RtmpOutputFormat & { muxer: FlvMuxer; sample: Sample },
): number {
  const isVideo = sample.track.kind === 'video';
  const timestampMs = muxer.timestampMs(sample);
  const length = muxer.bodyBytes(sample);
  muxer.writeBody(sample, into, at + chunkOverhead(length, timestampMs, chunkSize));
  return writeChunks(into, at, {
    chunkStreamId: isVideo ? chunkStream.video : chunkStream.audio,
    type: isVideo ? flvTagType.video : flvTagType.audio,
    timestampMs,
    streamId,
    length,
    chunkSize,
  });
}

/**
 * What the other side needs before the first batch of a muxer: `onMetaData` (for servers with `@setDataFrame` before it)
 * and sequence headers. Throws as `FlvMuxer.begin`.
 */
export function beginMessages(
  muxer: FlvMuxer,
  times: HeaderTimes,
  format: RtmpOutputFormat & { readonly toServer?: boolean },
): Uint8Array {
  return concatBytes(
    muxer.beginBodies().map(({ tagType, body }) => {
      const isScript = tagType === flvTagType.script;
      const chunkStreamId = isScript
        ? chunkStream.data
        : tagType === flvTagType.video
          ? chunkStream.video
          : chunkStream.audio;
      const content = isScript && format.toServer ? concatBytes([writeAmf0('@setDataFrame'), body]) : body;
      const { chunkSize, streamId } = format;
      const atMs = headTimestampMs(tagType, times);
      return chunkMessage({ chunkSize, streamId, chunkStreamId, type: tagType, timestampMs: atMs }, content);
    }),
  );
}
