import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import type { CodecName } from '@watchpost/media/types.ts';
import type { Stream } from '../stream.ts';
import type { Protocol, TalkChannel } from '../types.ts';

/** What a desk needs. */
export interface TalkDeskOptions {
  /** Finds the protocol for a scheme. */
  protocolFor(scheme: string): Protocol | undefined;
  /** Opens a way to the device. */
  talk(
    protocol: Protocol,
    source: SourceUrl,
    request: { codecs: readonly CodecName[]; signal: AbortSignal },
  ): Promise<TalkChannel>;
}

/** Lets one person at a time speak through each device. */
export class TalkDesk implements AsyncDisposable {
  readonly #options: TalkDeskOptions;
  /** By stream id; a device that is being called counts. */
  readonly #talks = new Map<string, AbortController>();

  constructor(options: TalkDeskOptions) {
    this.#options = options;
  }

  /** Streams that somebody speaks through. */
  get count(): number {
    return this.#talks.size;
  }

  /**
   * Opens a way to the stream's device, in the first of the codecs that it takes. Rejects with `conflict` (`TALK_BUSY`)
   * while somebody else speaks, `unsupported` (`TALK_UNSUPPORTED`) where the device takes no sound.
   */
  async open(stream: Stream, codecs: readonly CodecName[]): Promise<TalkChannel> {
    const source = stream.definition.sources[0];
    const protocol = source && this.#options.protocolFor(source.scheme);
    if (source === undefined || protocol?.talk === undefined)
      throw new WatchpostError(
        `there is no way to speak through "${stream.id}" — it takes a camera with an ONVIF audio back channel, pulled by RTSP`,
        { kind: 'unsupported', code: 'TALK_UNSUPPORTED', context: { streamId: stream.id } },
      );
    if (this.#talks.has(stream.id))
      throw new WatchpostError(`somebody else speaks through "${stream.id}" — wait until they have finished`, {
        kind: 'conflict',
        code: 'TALK_BUSY',
        context: { streamId: stream.id },
      });
    const abort = new AbortController();
    this.#talks.set(stream.id, abort);
    try {
      const channel = await this.#options.talk(protocol, source, { codecs, signal: abort.signal });
      void channel.ended.then(() => this.#forget(stream.id, abort));
      return channel;
    } catch (thrown) {
      this.#forget(stream.id, abort);
      throw thrown;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' });
    for (const abort of this.#talks.values()) abort.abort(reason);
  }

  #forget(streamId: string, abort: AbortController): void {
    if (this.#talks.get(streamId) === abort) this.#talks.delete(streamId);
  }
}
