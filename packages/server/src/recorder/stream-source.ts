import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { ReaderOptions, SampleReader, StreamDefinition, StreamState } from '../hub/types.ts';
import type { OwnLimits } from './retention.ts';

/** What the recorder needs of a stream; the hub's `Stream` is one. */
export interface RecordedStream {
  readonly id: string;
  readonly definition: Pick<StreamDefinition, 'record' | 'recording' | 'manual'> & { readonly onDemand?: boolean };
  readonly state: StreamState;
  readonly reason: WatchpostError | undefined;
  readonly tracks: readonly Track[];
  /** `tracks` without sound that is announced and does not come. */
  readonly sendingTracks: readonly Track[];
  openReader(options: ReaderOptions<Sample>): SampleReader;
}

/** A change of a stream or of the clock, as the hub tells it. */
export interface StreamChange {
  readonly type: 'defined' | 'changed' | 'removed' | 'tracks' | 'source' | 'state' | 'clock_step';
  readonly stream?: RecordedStream;
}

/** What the recorder needs of the hub; `StreamHub` is one. */
export interface StreamSource {
  get(id: string): RecordedStream | undefined;
  list(): readonly RecordedStream[];
  onChange(listener: (change: StreamChange) => void): () => void;
}

/** What may be kept of each stream that says so itself. */
export function ownLimits(streams: Pick<StreamSource, 'list'>): ReadonlyMap<string, OwnLimits> {
  const found = new Map<string, OwnLimits>();
  for (const { id, definition } of streams.list()) {
    const { retentionDays, maxBytes } = definition.recording ?? {};
    if (retentionDays === undefined && maxBytes === undefined) continue;
    found.set(id, {
      ...(retentionDays !== undefined && { retentionDays }),
      ...(maxBytes !== undefined && { maxBytes }),
    });
  }
  return found;
}
