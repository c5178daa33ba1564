import { WatchpostError } from '@watchpost/base/errors.ts';
import { rescale } from '../../time/rescale.ts';
import type { Sample, Track } from '../../types.ts';
import { isTsReady, tsLeftOut } from './carriage.ts';
import { ourPid, packetBytes, patPid, tsClockRate } from './codes.ts';
import { type Lane, openLane, payloadOf, putPayload } from './elementary-stream.ts';
import { type FirstPacket, PacketWriter, packetsOf } from './packet-writer.ts';
import { maxPesHeaderBytes, writePesHeader } from './pes-header.ts';
import { writePat, writePmt } from './tables.ts';

/** Tables come at each key picture, and at least this often (DVB asks for 100 ms of the PAT only; players for a second). */
const tablesEveryTicks = tsClockRate / 2;
/** PTS and DTS run so far ahead of the PCR, so that sound that is a little late still comes in time. */
const decodeDelayTicks = tsClockRate / 5;
const maxAudioPayload = 65_000;
const maxPictureBytes = 16 * 1024 * 1024;

/** One sample as it will be written. */
interface Plan {
  readonly lane: Lane;
  readonly sample: Sample;
  readonly withTables: boolean;
  readonly payload: number;
  readonly headBytes: number;
  readonly pts: number;
  readonly dts: number;
  readonly first: FirstPacket;
}

/** How a batch is written. */
export interface TsWriteOptions {
  /** The batch begins with PAT and PMT, as a segment must. They come before key pictures anyway. */
  readonly tables?: boolean;
}

/**
 * Writes samples as an MPEG transport stream (ISO/IEC 13818-1): PAT, PMT, one PES packet for each sample, PCR with each
 * picture. H.264 and H.265 as byte streams with delimiters, and parameter sets at key pictures; AAC as ADTS; Opus. Of
 * each kind the first track that can be carried and whose codec data are known is carried. Continuity counters go on
 * over batches, so one muxer writes all segments of a stream.
 */
export class TsMuxer {
  readonly #writer = new PacketWriter();
  readonly #head = new Uint8Array(maxPesHeaderBytes);
  #lanes: readonly Lane[] = [];
  #lead: Lane | undefined;
  #pat: Uint8Array = new Uint8Array(0);
  #pmt: Uint8Array = new Uint8Array(0);
  #layout = '';
  #version = -1;
  #tablesAtTicks = Number.NEGATIVE_INFINITY;

  constructor(tracks: readonly Track[]) {
    this.setTracks(tracks);
  }

  /** The tracks that are carried: picture first. */
  get tracks(): readonly Track[] {
    return this.#lanes.map((lane) => lane.track);
  }

  /** Other tracks, or other parameter sets, from the next batch on; the table's version grows where the codecs differ. Throws `malformed`. */
  setTracks(tracks: readonly Track[]): void {
    const usable = tracks.filter((track) => tsLeftOut(track) === undefined && isTsReady(track));
    const chosen = [usable.find((track) => track.kind === 'video'), usable.find((track) => track.kind === 'audio')];
    this.#lanes = chosen.filter((track) => track !== undefined).map(openLane);
    this.#lead = this.#lanes[0];
    this.#tablesAtTicks = Number.NEGATIVE_INFINITY;
    const layout = this.#lanes.map(({ track }) => `${track.codec}/${track.channels}`).join();
    if (layout === this.#layout && this.#version >= 0) return;
    this.#layout = layout;
    this.#version = (this.#version + 1) & 31;
    this.#pat = writePat(this.#version);
    this.#pmt = writePmt(this.#version, this.tracks, this.#lead?.pid ?? 0x1fff);
  }

  /** The samples, of tracks that are carried, as whole packets of 188 bytes in one allocation; empty if there are none. Throws `resource_exhausted` beyond 16 MiB for a picture. */
  write(samples: readonly Sample[], options: TsWriteOptions = {}): Uint8Array<ArrayBuffer> {
    if (options.tables === true) this.#tablesAtTicks = Number.NEGATIVE_INFINITY;
    const plans: Plan[] = [];
    let packets = 0;
    for (let i = 0; i < samples.length; i++) {
      const plan = this.#plan(samples[i]!);
      if (plan === undefined) continue;
      plans.push(plan);
      packets += packetsOf(plan.first) + (plan.withTables ? 2 : 0);
    }
    const bytes = new Uint8Array(packets * packetBytes);
    const writer = this.#writer;
    writer.begin(bytes, 0);
    for (let i = 0; i < plans.length; i++) {
      const plan = plans[i]!;
      if (plan.withTables) {
        writer.section(patPid, this.#pat);
        writer.section(ourPid.pmt, this.#pmt);
      }
      writer.open(plan.first);
      writer.put(this.#pesHeader(plan));
      putPayload(plan.lane, plan.sample, writer);
    }
    return bytes;
  }

  #plan(sample: Sample): Plan | undefined {
    const lane = this.#laneOf(sample.track);
    if (lane === undefined) return undefined;
    const { clockRate } = sample.track;
    const isLead = lane === this.#lead;
    const time = rescale(sample.dts, clockRate, tsClockRate);
    const dts = time + decodeDelayTicks;
    const pts = rescale(Math.max(sample.pts, sample.dts), clockRate, tsClockRate) + decodeDelayTicks;
    const isVideo = lane.track.kind === 'video';
    const withTables = (isVideo && sample.key) || Math.abs(time - this.#tablesAtTicks) >= tablesEveryTicks;
    if (withTables) this.#tablesAtTicks = time;
    const payload = payloadOf(lane, sample);
    if (payload > (isVideo ? maxPictureBytes : maxAudioPayload)) throw tooLarge(payload);
    const headBytes = pts === dts ? 14 : 19;
    const randomAccess = isVideo ? sample.key : withTables;
    const first = { pid: lane.pid, length: headBytes + payload, pcr: isLead ? time : -1, randomAccess };
    return { lane, sample, withTables, payload, headBytes, pts, dts, first };
  }

  /** The header as a view that is good until the next call. */
  #pesHeader(plan: Plan): Uint8Array {
    const { payload, pts, dts, headBytes } = plan;
    writePesHeader(this.#head, { streamId: plan.lane.streamId, payload, pts, dts });
    return this.#head.subarray(0, headBytes);
  }

  #laneOf(track: Track): Lane | undefined {
    const lanes = this.#lanes;
    for (let i = 0; i < lanes.length; i++) if (lanes[i]!.track === track) return lanes[i];
    return undefined;
  }
}

function tooLarge(bytes: number): WatchpostError {
  return new WatchpostError(`A frame of ${bytes} bytes does not fit a PES packet; lower the camera's bitrate.`, {
    kind: 'resource_exhausted',
    code: 'TS_FRAME_TOO_LARGE',
    context: { bytes },
  });
}
