import type { Clock } from '@watchpost/base/clock.ts';
import { reorderDepthOf } from '@watchpost/media/codec/reorder-depth.ts';
import { flvLeftOut } from '@watchpost/media/container/flv/carriage.ts';
import { AacDepacketizer } from '@watchpost/media/rtp/depacketize/aac.ts';
import { H264Depacketizer } from '@watchpost/media/rtp/depacketize/h264.ts';
import { H265Depacketizer } from '@watchpost/media/rtp/depacketize/h265.ts';
import { PlainDepacketizer } from '@watchpost/media/rtp/depacketize/plain.ts';
import { parseRtpPacket } from '@watchpost/media/rtp/packet.ts';
import { senderTimeOf } from '@watchpost/media/rtp/rtcp.ts';
import { SequenceTracker } from '@watchpost/media/rtp/sequence.ts';
import type { SdpTrack } from '@watchpost/media/sdp/tracks.ts';
import { DtsFromPts } from '@watchpost/media/time/dts.ts';
import { ntpToMs } from '@watchpost/media/time/ntp.ts';
import { TimelineRepair } from '@watchpost/media/time/timeline.ts';
import type { AccessUnit, Depacketizer, Sample, Track } from '@watchpost/media/types.ts';
import type { PulledStream } from '../pull/camera-pull.ts';

/** What came of one access unit; nobody asks it for wall time. */
class PulledSample implements Sample {
  readonly track: Track;
  readonly dts: number;
  readonly pts: number;
  readonly key: boolean;
  readonly units: readonly Uint8Array[];
  readonly byteLength: number;
  readonly wallMs = 0;
  readonly lost: number;

  constructor(unit: AccessUnit, dts: number, pts: number) {
    this.track = unit.track;
    this.dts = dts;
    this.pts = pts;
    this.key = unit.key;
    this.units = unit.units();
    this.byteLength = unit.byteLength;
    this.lost = unit.lost;
  }
}

interface Lane {
  readonly payloadType: number;
  readonly depacketizer: Depacketizer;
  readonly sequence: SequenceTracker;
  readonly dts: DtsFromPts | undefined;
  /** In the timeline. */
  readonly index: number;
  track: Track;
}

/**
 * Samples of what a camera sends, for outputs that carry frames instead of packets: depacketized, with times that are
 * repaired and in step. Of each kind the first track that FLV carries.
 */
export class RtpSamples {
  /** Why tracks of the stream are not among the samples. */
  readonly leftOut: readonly string[];
  readonly #clock: Clock;
  readonly #emit: (sample: Sample) => void;
  readonly #timeline = new TimelineRepair([]);
  /** For each track of the stream. */
  readonly #lanes: (Lane | undefined)[];
  #nowMs = 0;

  constructor(stream: PulledStream, { clock, emit }: { clock: Clock; emit: (sample: Sample) => void }) {
    const leftOut: string[] = [];
    const kinds = new Set<string>();
    this.leftOut = leftOut;
    this.#clock = clock;
    this.#emit = emit;
    this.#lanes = stream.tracks.map((found, index) => {
      if (!stream.indices.includes(index) || kinds.has(found.track.kind)) return undefined;
      const lane = this.#openLane(found);
      if (typeof lane === 'string') leftOut.push(lane);
      else kinds.add(found.track.kind);
      return typeof lane === 'string' ? undefined : lane;
    });
  }

  /** Those that there are samples of, as they are now. */
  get tracks(): readonly Track[] {
    return this.#lanes.flatMap((lane) => lane?.track ?? []);
  }

  /** As `PullReader.onPacket`. */
  onPacket(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void {
    const lane = this.#lanes[trackIndex];
    if (!lane) return;
    if (isRtcp) {
      this.#onRtcp(lane, senderTimeOf(chunk, start, end));
      return;
    }
    this.#nowMs = this.#clock.monotonicMs();
    try {
      const packet = parseRtpPacket(chunk, start, end);
      if (packet.payloadType !== lane.payloadType) return;
      const lost = lane.sequence.next(packet.sequence);
      if (lost >= 0) lane.depacketizer.push(packet, lost);
    } catch {
      // What cannot be read is left out by the depacketizer, up to the next key picture.
    }
  }

  #onRtcp(lane: Lane, time: ReturnType<typeof senderTimeOf>): void {
    const ntpMs = time && ntpToMs(time.ntpSeconds, time.ntpFraction);
    if (ntpMs !== undefined) this.#timeline.senderReport(lane.index, time!.rtpTimestamp, ntpMs);
  }

  #openLane({ track, format, payloadType }: SdpTrack): Lane | string {
    const reason = flvLeftOut(track);
    if (reason !== undefined) return reason;
    const depacketizer = openDepacketizer(track, format, (unit) => this.#onUnit(lane, unit));
    if (!depacketizer) return `${track.codec} as this camera sends it is not published over RTMP: publish it over RTSP`;
    const lane: Lane = {
      payloadType,
      depacketizer,
      sequence: new SequenceTracker(),
      dts: track.kind === 'video' ? new DtsFromPts(reorderDepthOf(track)) : undefined,
      index: this.#timeline.addTrack(track),
      track,
    };
    return lane;
  }

  #onUnit(lane: Lane, unit: AccessUnit): void {
    if (unit.track !== lane.track) {
      lane.track = unit.track;
      lane.dts?.setDepth(reorderDepthOf(unit.track) ?? 0);
    }
    const shownAt = this.#timeline.push(lane.index, unit.rtpTimestamp, this.#nowMs, unit.key);
    const dts = lane.dts?.push(shownAt) ?? shownAt;
    this.#emit(new PulledSample(unit, dts, lane.dts?.pts ?? shownAt));
  }
}

/** For what cameras send and FLV carries; undefined for the rest, AAC in LATM among it, which is a parser of its own. */
function openDepacketizer(
  track: Track,
  format: Readonly<Record<string, string>>,
  emit: (unit: AccessUnit) => void,
): Depacketizer | undefined {
  switch (track.codec) {
    case 'h264':
      return format['packetization-mode'] === '2' ? undefined : new H264Depacketizer(track, emit);
    case 'h265':
      return Number(format['sprop-max-don-diff'] ?? 0) > 0 ? undefined : new H265Depacketizer(track, emit);
    case 'aac':
      return 'cpresent' in format ? undefined : new AacDepacketizer(track, emit, format);
    case 'pcma':
    case 'pcmu':
    case 'opus':
      return new PlainDepacketizer(track, emit);
    default:
      return undefined;
  }
}
