import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { latmConfigOf } from '@watchpost/media/rtp/depacketize/aac-latm.ts';
import { createDepacketizer } from '@watchpost/media/rtp/depacketize/index-by-codec.ts';
import { parseRtpPacket } from '@watchpost/media/rtp/packet.ts';
import { SequenceTracker } from '@watchpost/media/rtp/sequence.ts';
import { parseSdp } from '@watchpost/media/sdp/parse.ts';
import { type SdpTrack, tracksFromSdp } from '@watchpost/media/sdp/tracks.ts';
import type { RtpPacket, Sample, Track } from '@watchpost/media/types.ts';
import type { BackfillRecord } from '@watchpost/tunnel/backfill/record.ts';
import type { Stream } from '../../hub/stream.ts';
import { StreamHub } from '../../hub/stream-hub.ts';
import type { Publisher, SampleReader } from '../../hub/types.ts';

const streamId = 'kept';

interface KeptTrack {
  readonly index: number;
  readonly payloadType: number;
  readonly sequence: SequenceTracker;
}

/** Stands where the last record says, however far that is from the one before; nothing falls due by it. */
class RecordClock implements Clock {
  nowMs = 0;

  wallMs(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  after(): () => void {
    return () => {};
  }
}

/** Samples of one description. */
export interface KeptBatch {
  /** As they were at its end; samples before may be of the same tracks with other parameter sets. */
  readonly tracks: readonly Track[];
  readonly samples: readonly Sample[];
}

/**
 * Makes samples of kept packets just as the hub does of live ones: a hub of its own, whose clock stands where the records
 * say, so loss, order and time are repaired by the same code.
 */
export class KeptSamples implements AsyncDisposable {
  readonly #offsetMs: number;
  readonly #clock: RecordClock;
  readonly #hub: StreamHub;
  readonly #stream: Stream;
  readonly #reader: SampleReader;
  #publisher: Publisher | undefined;
  /** By media line of the SDP. */
  #tracks: (KeptTrack | undefined)[] = [];
  #sdp: string | undefined;
  /** What was not taken when the camera described itself anew. */
  #earlier: KeptBatch[] = [];

  private constructor(hub: StreamHub, stream: Stream, at: { clock: RecordClock; offsetMs: number }) {
    this.#hub = hub;
    this.#stream = stream;
    this.#clock = at.clock;
    this.#offsetMs = at.offsetMs;
    this.#reader = stream.openReader({
      protocol: 'backfill',
      start: 'key',
      maxLagMs: Number.POSITIVE_INFINITY,
      // The credit of the channel bounds it.
      maxLagBytes: Number.POSITIVE_INFINITY,
      maxStuckMs: Number.POSITIVE_INFINITY,
    });
  }

  /** `offsetMs` is added to the times of records. */
  static async open(offsetMs: number): Promise<KeptSamples> {
    const clock = new RecordClock();
    const hub = new StreamHub({
      clock,
      logger: silentLogger,
      reconnectDelayMs: 0,
      protocolFor: () => undefined,
      pull: async () => {},
    });
    const plain = { record: false, onDemand: false, stopped: false, push: [], origin: 'api' as const };
    await hub.define({ id: streamId, title: '', protocol: 'rtsp', sources: [], ...plain });
    return new KeptSamples(hub, hub.get(streamId)!, { clock, offsetMs });
  }

  /** Takes the next record. */
  push(record: BackfillRecord): void {
    const timeMs = record.timeMs + this.#offsetMs;
    if (timeMs > this.#clock.nowMs) {
      // The hub dates all of one read alike; here each time is a read of its own.
      this.#publisher?.flush();
      this.#clock.nowMs = timeMs;
    }
    if (record.kind === 'tracks') this.#describe(record.sdp);
    else if (record.kind === 'rtp') this.#write(record.trackIndex, record.packet);
  }

  /** What became whole since the last call. */
  take(): readonly KeptBatch[] {
    this.#publisher?.flush();
    const batches = [...this.#earlier, this.#pull()];
    this.#earlier = [];
    return batches;
  }

  /** The last picture, of a camera that does not mark where pictures end; nothing can be pushed any more. */
  finish(): void {
    this.#publisher?.close();
    this.#publisher = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#publisher?.close();
    this.#reader.close();
    await this.#hub[Symbol.asyncDispose]();
  }

  #pull(): KeptBatch {
    const samples = this.#reader.pull();
    return { tracks: this.#stream.tracks, samples };
  }

  #describe(sdp: string): void {
    if (sdp === this.#sdp) return;
    this.#sdp = sdp;
    this.finish();
    this.#earlier.push(this.#pull());
    const all = tracksFromSdp(parseSdp(sdp), latmConfigOf);
    const used = all.filter((track, index) => isFirstUsable(all, track, index));
    if (used.length === 0)
      throw new WatchpostError('What the agent kept has no track that can be recorded', {
        kind: 'unsupported',
        code: 'BACKFILL_TRACKS',
      });
    this.#tracks = all.map((track) => {
      const index = used.indexOf(track);
      if (index < 0) return undefined;
      return { index, payloadType: track.payloadType, sequence: new SequenceTracker() };
    });
    this.#publisher = this.#stream.publish(used.map(({ track, format }) => ({ track, format })));
  }

  #write(trackIndex: number, bytes: Uint8Array): void {
    const track = this.#tracks[trackIndex];
    if (!track || !this.#publisher) return;
    let packet: RtpPacket;
    try {
      packet = parseRtpPacket(bytes, 0, bytes.length);
    } catch {
      return;
    }
    if (packet.payloadType !== track.payloadType) return;
    const lost = track.sequence.next(packet.sequence);
    if (lost >= 0) this.#publisher.writeRtp(track.index, packet, lost);
  }
}

/** The first video and the first sound that can be taken apart. */
function isFirstUsable(all: readonly SdpTrack[], own: SdpTrack, index: number): boolean {
  const isUsable = ({ track, format, backChannel }: SdpTrack) =>
    !backChannel && createDepacketizer(track, format, () => {}) !== undefined;
  if (!isUsable(own)) return false;
  return all.findIndex((other) => isUsable(other) && other.track.kind === own.track.kind) === index;
}
