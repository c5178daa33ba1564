import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Stream } from '../../../hub/stream.ts';
import type { ChunkRecycler } from '../../../hub/types.ts';
import { FlvInput } from '../flv-input.ts';
import type { ServerParts } from './server-parts.ts';

const silentAfterMs = 10_000;

/** A client that sends us a stream, from its `publish` on. */
export class Ingest {
  readonly stream: Stream;
  readonly #input: FlvInput;
  readonly #parts: ServerParts;
  #lastInputMs: number;
  #hasInput = false;
  #ended = false;

  constructor(stream: Stream, parts: ServerParts, memory: ChunkRecycler) {
    const { clock, logger } = parts;
    this.stream = stream;
    this.#parts = parts;
    this.#input = new FlvInput({
      publish: (tracks, recycler) => stream.publish(tracks, recycler),
      clock,
      memory,
      logger: logger.child({ stream: stream.id }),
    });
    this.#lastInputMs = clock.monotonicMs();
    if (stream.state !== 'online') stream.setState('connecting');
  }

  /** Audio, video or data. */
  receive(type: number, timestampMs: number, body: Uint8Array): void {
    if (this.#ended) return;
    this.#hasInput = true;
    this.#input.receive(type, timestampMs, body);
  }

  /** End of what one read brought. */
  flush(): void {
    if (this.#ended) return;
    this.#input.flush();
  }

  /** Once a second. Returns why the client must be given up, if it is silent. */
  tick(nowMs: number): WatchpostError | undefined {
    if (this.#hasInput) this.#lastInputMs = nowMs;
    this.#hasInput = false;
    this.flush();
    if (nowMs - this.#lastInputMs < silentAfterMs) return undefined;
    return new WatchpostError('the publisher sent nothing for 10 s', { kind: 'timeout', code: 'SOURCE_SILENT' });
  }

  /** The stream goes offline, unless somebody else sends it by now. */
  end(reason: WatchpostError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#input.close(reason);
    this.#parts.hub.publishers.ended(this);
    if (reason.code !== 'SOURCE_REPLACED' && this.stream.state !== 'stopped') this.stream.setState('offline', reason);
    this.#parts.hub.publishers.release(this.stream);
    this.#parts.logger.info('publisher ended', { stream: this.stream.id, code: reason.code, reason: reason.message });
  }
}
