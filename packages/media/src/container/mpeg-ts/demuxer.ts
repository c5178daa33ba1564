import { readU16 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { nullPid, packetBytes, patPid, syncByte } from './codes.ts';
import { PesAssembler } from './pes-assembler.ts';
import { SectionAssembler } from './section-assembler.ts';
import { type ProgramMap, parsePat, parsePmt } from './tables.ts';
import { type TsSink, TsTrackReader } from './track-reader.ts';

const maxTracks = 8;
/** A place counts as the begin of packets if the byte 188 further on is a sync byte too. */
const maxSearch = packetBytes * 2;

/** What went wrong, counted. */
export interface TsCounts {
  /** Bytes passed over to find packets again. */
  skippedBytes: number;
  /** Packets that were missing, by the continuity counters (at least). */
  lostPackets: number;
  /** Packets with transport_error_indicator, or scrambled. */
  unusablePackets: number;
  /** Tables and PES packets that could not be read. */
  malformed: number;
}

/**
 * Reads an MPEG transport stream as it comes, in pieces of any size (ISO/IEC 13818-1): the first programme, its H.264,
 * H.265, AAC (ADTS), MP3 and Opus. Finds packets again after garbage; a PES packet with a hole is dropped. Nothing is
 * thrown: what is wrong is counted.
 */
export class TsDemuxer {
  readonly counts: TsCounts = { skippedBytes: 0, lostPackets: 0, unusablePackets: 0, malformed: 0 };
  readonly #sink: TsSink;
  readonly #pat = new SectionAssembler();
  readonly #pmt = new SectionAssembler();
  readonly #counters = new Map<number, number>();
  readonly #tracks = new Map<number, { readonly reader: TsTrackReader; readonly pes: PesAssembler }>();
  readonly #clock = { ticks: undefined as number | undefined };
  #pmtPid = -1;
  #layout = '';
  #rest = new Uint8Array(maxSearch);
  #restBytes = 0;
  #inSync = false;

  constructor(sink: TsSink) {
    this.#sink = sink;
  }

  /** Takes the next bytes. */
  push(bytes: Uint8Array): void {
    let from = 0;
    while (this.#restBytes > 0 && from < bytes.length) {
      const take = Math.min(bytes.length - from, maxSearch - this.#restBytes);
      this.#rest.set(bytes.subarray(from, from + take), this.#restBytes);
      const held = this.#restBytes + take;
      const used = this.#readPackets(this.#rest, held);
      if (used === 0 && held < maxSearch) {
        this.#restBytes = held;
        return;
      }
      if (used >= this.#restBytes) {
        from += used - this.#restBytes;
        this.#restBytes = 0;
      } else {
        this.#rest.copyWithin(0, used, held);
        this.#restBytes = held - used;
        from += take;
      }
    }
    const tail = bytes.subarray(from);
    const used = this.#readPackets(tail, tail.length);
    if (used === tail.length) return;
    this.#rest.set(tail.subarray(used), 0);
    this.#restBytes = tail.length - used;
  }

  /** Ends what is under way, for a stream that ends. */
  flush(): void {
    for (const { pes } of this.#tracks.values()) this.#attempt(() => pes.flush());
  }

  /** Returns the bytes that were used up; less than two packets are left. */
  #readPackets(bytes: Uint8Array, end: number): number {
    let at = 0;
    while (at + packetBytes <= end) {
      const isPacket = bytes[at] === syncByte;
      if (isPacket && (this.#inSync || at + packetBytes >= end || bytes[at + packetBytes] === syncByte)) {
        // Until the place is sure, the packet after it must be seen too.
        if (!this.#inSync && at + packetBytes >= end) break;
        this.#inSync = true;
        this.#readPacket(bytes, at);
        at += packetBytes;
      } else {
        this.#inSync = false;
        this.counts.skippedBytes++;
        at++;
      }
    }
    return at;
  }

  #readPacket(bytes: Uint8Array, at: number): void {
    const flags = readU16(bytes, at + 1);
    const pid = flags & 0x1fff;
    const control = bytes[at + 3]!;
    if (pid === nullPid) return;
    const track = this.#tracks.get(pid);
    if (pid !== patPid && pid !== this.#pmtPid && track === undefined) return;
    if ((flags & 0x8000) !== 0 || (control & 0xc0) !== 0) {
      this.counts.unusablePackets++;
      return;
    }
    const end = at + packetBytes;
    let from = at + 4;
    let adaptation = 0;
    if ((control & 0x20) !== 0) {
      const length = bytes[from]!;
      adaptation = length > 0 ? bytes[from + 1]! : 0;
      from += 1 + length;
    }
    if ((control & 0x10) === 0 || from >= end) return;
    const isStart = (flags & 0x4000) !== 0;
    const whole = this.#isContinuous(pid, control & 15, (adaptation & 0x80) !== 0);
    // The counter of an encoder that is started anew may begin where the old one's ended: that is no packet sent twice.
    if (whole === undefined && (track === undefined || track.pes.endsWith(bytes, from, end))) return;
    if (track !== undefined) {
      if (!whole) track.pes.drop();
      this.#attempt(() => track.pes.push(bytes, { from, end, isStart, randomAccess: (adaptation & 0x40) !== 0 }));
    } else this.#readTable(pid, bytes.subarray(from, end), isStart);
  }

  /** False where packets are missing, undefined for one with the counter of the one before: it came twice (§2.4.3.3). */
  #isContinuous(pid: number, counter: number, isDiscontinuity: boolean): boolean | undefined {
    const before = this.#counters.get(pid);
    this.#counters.set(pid, counter);
    if (before === undefined || isDiscontinuity) return true;
    if (counter === before) return undefined;
    const lost = (counter - before - 1) & 15;
    this.counts.lostPackets += lost;
    return lost === 0;
  }

  #readTable(pid: number, payload: Uint8Array, isStart: boolean): void {
    this.#attempt(() => {
      if (pid === patPid) {
        for (const section of this.#pat.push(payload, isStart)) this.#usePat(section);
      } else for (const section of this.#pmt.push(payload, isStart)) this.#usePmt(section);
    });
  }

  #usePat(section: Uint8Array): void {
    const pid = parsePat(section)?.[0];
    if (pid === undefined || pid === this.#pmtPid) return;
    this.#pmtPid = pid;
    this.#pmt.reset();
    this.#layout = '';
  }

  #usePmt(section: Uint8Array): void {
    const map = parsePmt(section);
    if (map !== undefined) this.#useMap(map);
  }

  /** Another version with the same streams changes nothing for those. */
  #useMap(map: ProgramMap): void {
    const layout = map.streams.map((one) => `${one.pid}:${one.codec}:${one.channels}`).join();
    if (layout === this.#layout) return;
    this.#layout = layout;
    for (const { pes } of this.#tracks.values()) this.#attempt(() => pes.flush());
    this.#tracks.clear();
    for (const stream of map.streams) {
      if (stream.codec === undefined || this.#tracks.size >= maxTracks) continue;
      const reader = new TsTrackReader({ ...stream, codec: stream.codec }, this.#sink, this.#clock);
      const pes = new PesAssembler((packet) => reader.read(packet));
      this.#tracks.set(stream.pid, { reader, pes });
    }
    const codecs = map.streams.map(({ codec }) => codec);
    const video = codecs.includes('h264') || codecs.includes('h265');
    const audio = codecs.some((codec) => codec !== undefined && codec !== 'h264' && codec !== 'h265');
    if (video || audio) this.#sink.announced?.({ video, audio });
  }

  #attempt(read: () => void): void {
    try {
      read();
    } catch (thrown) {
      if (!(thrown instanceof WatchpostError) || thrown.kind !== 'malformed') throw thrown;
      this.counts.malformed++;
    }
  }
}
