import { WatchpostError } from '@watchpost/base/errors.ts';
import type { ServedTrack } from '@watchpost/media/rtsp/server.ts';
import type { SdpSession } from '@watchpost/media/sdp/sdp.ts';
import { mediaLeftOut, type SdpTrack } from '@watchpost/media/sdp/tracks.ts';
import type { Stream } from '../../../hub/stream.ts';
import { announcedTracks } from './announced-tracks.ts';
import { Ingest } from './ingest.ts';
import type { ServerParts } from './server-parts.ts';
import type { UdpTrack } from './udp-track.ts';

/** How a publisher is answered, and ended. */
export interface PublishLink {
  readonly writeInterleaved: (channel: number, packet: Uint8Array) => void;
  readonly end: (reason: WatchpostError) => void;
}

/** One client that publishes one stream, from ANNOUNCE to its end. */
export class PublishSession {
  /** By track; empty over TCP. */
  readonly udp = new Map<number, UdpTrack>();
  readonly #stream: Stream;
  readonly #announced: ReadonlyMap<number, SdpTrack>;
  readonly #parts: ServerParts;
  #ingest: Ingest | undefined;
  #closed = false;

  private constructor(stream: Stream, announced: ReadonlyMap<number, SdpTrack>, parts: ServerParts) {
    this.#stream = stream;
    this.#announced = announced;
    this.#parts = parts;
  }

  /** Claims the stream. Throws as `Publishers.claim`, and `unsupported` (`CODEC_UNSUPPORTED`). */
  static async open(streamId: string, sdp: SdpSession, parts: ServerParts): Promise<PublishSession> {
    const announced = announcedTracks(sdp);
    if (announced.size === 0)
      throw new WatchpostError(
        `nothing here can be taken (${mediaLeftOut(sdp).join(', ') || 'no media'}) - send H.264 or H.265, AAC or G.711`,
        { kind: 'unsupported', code: 'CODEC_UNSUPPORTED' },
      );
    return new PublishSession(await parts.hub.publishers.claim(streamId, 'rtsp'), announced, parts);
  }

  /** RECORD: packets will come. */
  begin(tracks: readonly ServedTrack[], link: PublishLink): void {
    const { clock, hub, logger } = this.#parts;
    const make = () =>
      new Ingest({
        stream: this.#stream,
        clock,
        announced: this.#announced,
        tracks,
        udp: this.udp,
        writeInterleaved: link.writeInterleaved,
      });
    this.#ingest = hub.publishers.begin(this.#stream, { protocol: 'rtsp', make, end: link.end });
    logger.info('publisher began', { stream: this.#stream.id, tracks: this.#announced.size });
  }

  receive(trackIndex: number, isRtcp: boolean, part: { chunk: Uint8Array; start: number; end: number }): void {
    this.#ingest?.receive(trackIndex, isRtcp, part);
  }

  receiveDatagram(trackIndex: number, isRtcp: boolean, packet: Buffer): void {
    this.#ingest?.receiveDatagram(trackIndex, isRtcp, packet);
  }

  flush(): void {
    this.#ingest?.flush();
  }

  /** Once a second; why the client must be given up, if it is silent. */
  tick(nowMs: number): WatchpostError | undefined {
    return this.#ingest?.tick(nowMs);
  }

  pause(): void {
    this.end(new WatchpostError('The publisher paused', { kind: 'unavailable', code: 'SOURCE_PAUSED' }));
  }

  /** The client sends this track no more. */
  drop(trackIndex: number): void {
    this.udp.get(trackIndex)?.close();
    this.udp.delete(trackIndex);
  }

  /** Ends what is being sent; another RECORD may follow. */
  end(reason: WatchpostError): void {
    const ingest = this.#ingest;
    if (ingest === undefined) return;
    this.#ingest = undefined;
    ingest.end(reason);
    this.#parts.hub.publishers.ended(ingest);
    this.#parts.logger.info('publisher ended', { stream: this.#stream.id, code: reason.code, reason: reason.message });
  }

  /** The client is gone. */
  close(reason: WatchpostError): void {
    this.end(reason);
    if (this.#closed) return;
    this.#closed = true;
    for (const track of this.udp.values()) track.close();
    this.udp.clear();
    this.#parts.hub.publishers.release(this.#stream);
  }
}
