import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
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
const maxTimeStepMs = 3_600_000;

interface KeptTrack {
  readonly index: number;
  readonly payloadType: number;
  readonly sequence: SequenceTracker;
}

/**
 * Makes samples of kept packets just as the hub does of live ones: a hub of its own, whose clock stands where the records
 * say, so loss, order and time are repaired by the same code.
 */
export class KeptSamples implements AsyncDisposable {
  readonly #offsetMs: number;
  readonly #clock: ManualClock;
  readonly #hub: StreamHub;
  readonly #stream: Stream;
  readonly #reader: SampleReader;
  #publisher: Publisher | undefined;
  /** By media line of the SDP. */
  #tracks: (KeptTrack | undefined)[] = [];
  #sdp: string | undefined;

  private constructor(hub: StreamHub, stream: Stream, at: { clock: ManualClock; offsetMs: number }) {
    this.#hub = hub;
    this.#stream = stream;
    this.#clock = at.clock;
    this.#offsetMs = at.offsetMs;
    this.#reader = stream.openReader({
      protocol: 'backfill',
      start: 'key',
      maxLagMs: Number.POSITIVE_INFINITY,
      maxStuckMs: Number.POSITIVE_INFINITY,
    });
  }

  /** `offsetMs` is added to the times of records; the first of them lies at or after `startMs` of our clock. */
  static async open(startMs: number, offsetMs: number): Promise<KeptSamples> {
    const clock = new ManualClock(startMs);
    const hub = new StreamHub({
      clock,
      logger: silentLogger,
      reconnectDelayMs: maxTimeStepMs,
      protocolFor: () => undefined,
      pull: async () => {},
    });
    const plain = { record: false, onDemand: false, stopped: false, push: [], origin: 'api' as const };
    await hub.define({ id: streamId, title: '', protocol: 'rtsp', sources: [], ...plain });
    return new KeptSamples(hub, hub.get(streamId)!, { clock, offsetMs });
  }

  /** The tracks as they are now. */
  get tracks(): readonly Track[] {
    return this.#stream.tracks;
  }

  /** Takes the next record. */
  push(record: BackfillRecord): void {
    const stepMs = record.timeMs + this.#offsetMs - this.#clock.wallMs();
    if (stepMs > 0) {
      // The hub dates all of one read alike; here each time is a read of its own.
      this.#publisher?.flush();
      this.#clock.advance(Math.min(stepMs, maxTimeStepMs));
    }
    if (record.kind === 'tracks') this.#describe(record.sdp);
    else if (record.kind === 'rtp') this.#write(record.trackIndex, record.packet);
  }

  /** What became whole since the last call. */
  take(): readonly Sample[] {
    this.#publisher?.flush();
    return this.#reader.pull();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#publisher?.close();
    this.#reader.close();
    await this.#hub[Symbol.asyncDispose]();
  }

  #describe(sdp: string): void {
    if (sdp === this.#sdp) return;
    this.#sdp = sdp;
    const all = tracksFromSdp(parseSdp(sdp));
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
