import type { Duplex } from 'node:stream';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { FlvMuxer } from '@watchpost/media/container/flv/muxer.ts';
import type { Voice } from '../../hub/company.ts';
import type { BatchVoices } from '../../hub/live-flv/batch-voices.ts';
import type { ViewerFace } from '../../hub/live-viewer.ts';
import type { FlvBatch } from './flv-batch.ts';
import type { Transport } from './transport.ts';

/** Batches of FLV for one viewer, over whatever transport: file header first, sequence headers for each muxer. */
export class FlvFace implements ViewerFace<FlvBatch> {
  readonly socket: Duplex;
  readonly #transport: Transport;
  readonly #voices: BatchVoices<FlvBatch>;
  #muxer: FlvMuxer | undefined;

  /** `voices`: those of viewers with such a transport. */
  constructor(transport: Transport, voices: BatchVoices<FlvBatch>) {
    this.#transport = transport;
    this.#voices = voices;
    this.socket = transport.socket;
  }

  get voice(): Voice<FlvBatch> | undefined {
    return this.#muxer && this.#voices.of(this.#muxer);
  }

  show(batch: FlvBatch): Uint8Array {
    if (batch.muxer !== this.#muxer) this.#begin(batch);
    return this.#transport.messages ? batch.message : batch.tags;
  }

  end(reason: WatchpostError, hasBegun: boolean): void {
    this.#transport.end(reason, hasBegun);
  }

  #begin(batch: FlvBatch): void {
    const transport = this.#transport;
    const isFirst = this.#muxer === undefined;
    if (isFirst) transport.begin();
    this.#muxer = batch.muxer;
    transport.socket.write(transport.wrap(batch.muxer.begin(batch, { fileHeader: isFirst })));
  }
}
