import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { RtmpBatch } from '@watchpost/media/rtmp/media-batch.ts';
import type { BatchVoices } from '../../../hub/live-flv/batch-voices.ts';
import type { LiveFlv } from '../../../hub/live-flv/live-flv.ts';
import type { StreamHub } from '../../../hub/stream-hub.ts';
import type { AccessControl } from '../../../hub/types.ts';
import type { RestRounds } from '../../../net/rest-rounds.ts';
import type { SlabPool } from '../body-memory.ts';

/** Counts over all clients, for statistics. */
export interface RtmpCounts {
  players: number;
  playersTotal: number;
  bytesReceived: number;
  bytesSent: number;
  droppedSamples: number;
  stuckPlayers: number;
}

/** What those play who were told of one size of chunks. */
export interface ChunkedOutput {
  readonly chunkSize: number;
  readonly live: LiveFlv<RtmpBatch>;
}

/** What all connections of one listener share. */
export interface ServerParts {
  readonly hub: StreamHub;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly access: AccessControl;
  readonly counts: RtmpCounts;
  /** Of all players. */
  readonly voices: BatchVoices<RtmpBatch>;
  /** For a connection that begins now; it keeps what it was given. */
  readonly newestOutput: () => ChunkedOutput;
  readonly slabs: SlabPool;
  /** Where those rest whose stream nobody watches. */
  readonly rounds: RestRounds;
}
