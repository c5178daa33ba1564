import { rtpHeaderBytes, writeRtpHeader } from '@watchpost/media/rtp/packet.ts';
import { packetizeAac } from '@watchpost/media/rtp/packetize/aac.ts';
import { packetizeG711 } from '@watchpost/media/rtp/packetize/g711.ts';
import { packetizeH264 } from '@watchpost/media/rtp/packetize/h264.ts';
import { packetizeH265 } from '@watchpost/media/rtp/packetize/h265.ts';
import { writeRtcp } from '@watchpost/media/rtp/rtcp.ts';
import type { ServedTrack } from '@watchpost/media/rtsp/server.ts';
import type { SdpSession } from '@watchpost/media/sdp/sdp.ts';
import { describeTracks } from '@watchpost/media/sdp/write.ts';
import { msToNtp } from '@watchpost/media/time/ntp.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { Clip, ClipSample } from './clip.ts';
import type { CameraFaults, TimestampFault } from './faults.ts';

/** A viewer of a `CameraStream`. */
export interface StreamSession {
  readonly tracks: readonly ServedTrack[];
  /** Until the next key picture nothing is sent: the viewer is new, or was too slow. */
  waitsForKey: boolean;
  /** Bytes that the viewer has not taken yet. */
  pendingBytes(): number;
  write(bytes: Uint8Array): void;
}

interface TrackState {
  readonly payloadType: number;
  readonly ssrc: number;
  sequence: number;
  /** Added to every timestamp: the random start (RFC 3550 §5.1) and timestamp faults. */
  offset: number;
  /** Timestamp and time of the newest frame. */
  lastTimestamp: number;
  lastWallMs: number;
  packets: number;
  bytes: number;
}

const maxPayloadBytes = 1400;
const reportIntervalMs = 5000;
const maxPendingBytes = 4 * 1024 * 1024;
const staticPayloadTypes: Readonly<Record<string, number>> = { pcmu: 0, pcma: 8 };

/** Plays a clip in a loop, in real time, to any number of viewers: each frame is put into packets once. */
export class CameraStream {
  readonly name: string;
  readonly #clip: Clip;
  readonly #clips: ReadonlyMap<string, Clip>;
  #faults: CameraFaults = {};
  /** Clip that pictures come from now: another one while the fault `clip` is on. */
  #pictures: Clip;
  readonly #sessions = new Set<StreamSession>();
  readonly #states: TrackState[];
  #startMs: number | undefined;
  #loop = 0;
  #next = 0;
  #reportAtMs = 0;
  #cutCounter = 0;

  constructor(name: string, clip: Clip, clips: ReadonlyMap<string, Clip>) {
    this.name = name;
    this.#clip = clip;
    this.#clips = clips;
    this.#pictures = clip;
    this.#states = clip.tracks.map((track, i) => ({
      payloadType: staticPayloadTypes[track.codec] ?? 96 + i,
      ssrc: Math.floor(Math.random() * 0x1_0000_0000),
      sequence: Math.floor(Math.random() * 0x1_0000),
      offset: Math.floor(Math.random() * 0x1000_0000),
      lastTimestamp: 0,
      lastWallMs: 0,
      packets: 0,
      bytes: 0,
    }));
  }

  get trackCount(): number {
    return this.#clip.tracks.length;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Time from when the picture with number 0 was due to `nowMs` (monotonic), within the clip; 0 before the first. */
  positionMs(nowMs: number): number {
    return this.#startMs === undefined ? 0 : (nowMs - this.#startMs) % this.#clip.durationMs;
  }

  set faults(faults: CameraFaults) {
    this.#faults = faults;
  }

  /** The description; it says that time goes in a circle. */
  describe(): SdpSession {
    const tracks = this.#clip.tracks.map((track, i) => ({
      track: this.#faults.inBandOnly && track.kind === 'video' ? { ...track, parameterSets: [] } : track,
      payloadType: this.#states[i]!.payloadType,
      control: `trackID=${i}`,
    }));
    return describeTracks(tracks, { name: `Watchpost simulator, a loop of ${this.#clip.durationMs / 1000} s` });
  }

  add(session: StreamSession): void {
    this.#sessions.add(session);
  }

  remove(session: StreamSession): void {
    this.#sessions.delete(session);
  }

  /** Lets the timestamps of all tracks do one wrong step. */
  shiftTimestamps(fault: TimestampFault): void {
    for (const [i, state] of this.#states.entries()) {
      const { clockRate } = this.#clip.tracks[i]!;
      if (fault === 'jump') state.offset += 3600 * clockRate;
      else if (fault === 'backwards') state.offset -= 5 * clockRate;
      else if (fault === 'reset') state.offset -= state.lastTimestamp;
      else state.offset += 0x1_0000_0000 - 2 * clockRate - state.lastTimestamp;
    }
  }

  /** Sends what is due at `nowMs` (monotonic). */
  advance(nowMs: number, wallMs: number): void {
    this.#startMs ??= nowMs;
    const { samples, durationMs } = this.#clip;
    // After a stop of the whole process time is not made up for.
    if (nowMs - this.#startMs - this.#loop * durationMs > 2 * durationMs)
      this.#startMs = nowMs - this.#loop * durationMs;
    for (;;) {
      const sample = samples[this.#next]!;
      const dueMs = this.#loop * durationMs + (sample.dts * 1000) / this.#clip.tracks[sample.trackIndex]!.clockRate;
      if (this.#startMs + dueMs > nowMs) break;
      this.#emit(sample, wallMs - (nowMs - this.#startMs - dueMs));
      this.#next += 1;
      if (this.#next < samples.length) continue;
      this.#next = 0;
      this.#loop += 1;
    }
    if (nowMs >= this.#reportAtMs) {
      this.#reportAtMs = nowMs + reportIntervalMs;
      for (const session of this.#sessions) if (!session.waitsForKey) this.#report(session);
    }
  }

  #emit(sample: ClipSample, wallMs: number): void {
    const track = this.#clip.tracks[sample.trackIndex]!;
    const state = this.#states[sample.trackIndex]!;
    const isPicture = track.kind === 'video';
    const ticks = (this.#loop * this.#clip.durationMs * track.clockRate) / 1000 + sample.dts;
    const drift = isPicture ? 0 : (ticks * (this.#faults.audioDriftPpm ?? 0)) / 1e6;
    state.lastTimestamp = modulo32(Math.round(ticks + drift) + state.offset);
    state.lastWallMs = wallMs;
    if (isPicture && sample.key) this.#pictures = this.#clips.get(this.#faults.clip ?? '') ?? this.#clip;
    if (this.#sessions.size === 0 || this.#faults.freeze) return;
    if (isPicture ? sample.key && this.#faults.freezeKeyFrames : this.#faults.muted) return;
    const packets = this.#packetize(sample, state.lastTimestamp);
    // One array for each channel that viewers chose: nearly always one for all.
    const framed = new Map<number, Uint8Array>();
    for (const session of this.#sessions) {
      const served = session.tracks.find((t) => t.trackIndex === sample.trackIndex);
      if (session.pendingBytes() > maxPendingBytes) session.waitsForKey = true;
      const starts =
        session.waitsForKey && ((sample.key && isPicture) || session.tracks.every((t) => !this.#isPicture(t)));
      if (session.waitsForKey && !starts) continue;
      if (starts) {
        session.waitsForKey = false;
        this.#report(session);
      }
      if (!served) continue;
      let bytes = framed.get(served.rtpChannel);
      if (!bytes) {
        bytes = this.#frame(packets, served.rtpChannel);
        framed.set(served.rtpChannel, bytes);
      }
      session.write(bytes);
    }
  }

  #isPicture(served: ServedTrack): boolean {
    return this.#clip.tracks[served.trackIndex]?.kind === 'video';
  }

  #packetize(sample: ClipSample, timestamp: number): Uint8Array[] {
    const state = this.#states[sample.trackIndex]!;
    const { payloads, markers } = this.#payloads(sample);
    return payloads.map((payload, i) => {
      const packet = new Uint8Array(rtpHeaderBytes + payload.length);
      writeRtpHeader(packet, 0, {
        payloadType: state.payloadType,
        marker: !this.#faults.noMarker && (markers === 'all' || i === payloads.length - 1),
        sequence: state.sequence,
        timestamp,
        ssrc: state.ssrc,
      });
      packet.set(payload, rtpHeaderBytes);
      state.sequence = (state.sequence + 1) & 0xffff;
      state.packets += 1;
      state.bytes += payload.length;
      return packet;
    });
  }

  #payloads(sample: ClipSample): { payloads: Uint8Array[]; markers: 'last' | 'all' } {
    const source = this.#sourceOf(sample);
    const { units, track } = source;
    if (track.codec === 'aac') return { payloads: packetizeAac(units, maxPayloadBytes), markers: 'all' };
    if (track.codec === 'pcma' || track.codec === 'pcmu')
      return { payloads: packetizeG711(units[0]!, maxPayloadBytes), markers: 'last' };
    // As cameras do, parameter sets go before each key picture.
    const all = sample.key ? [...track.parameterSets, ...units] : units;
    const packetize = track.codec === 'h265' ? packetizeH265 : packetizeH264;
    return { payloads: packetize(all, maxPayloadBytes), markers: 'last' };
  }

  #sourceOf(sample: ClipSample): { units: readonly Uint8Array[]; track: Track } {
    const own = { units: sample.units, track: this.#clip.tracks[sample.trackIndex]! };
    if (own.track.kind !== 'video' || this.#pictures === this.#clip) return own;
    const index = this.#pictures.tracks.findIndex((track) => track.codec === own.track.codec);
    const other = this.#pictures.samples.find((s) => s.trackIndex === index && s.dts === sample.dts);
    return other ? { units: other.units, track: this.#pictures.tracks[index]! } : own;
  }

  /** The packets of a frame with their four bytes before each, and with the faults of the connection. */
  #frame(packets: readonly Uint8Array[], channel: number): Uint8Array {
    const garbageBytes = this.#faults.garbageBytes ?? 0;
    let length = garbageBytes;
    for (const packet of packets) length += 4 + packet.length;
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const packet of packets) {
      bytes[at] = 0x24;
      bytes[at + 1] = channel;
      bytes[at + 2] = packet.length >> 8;
      bytes[at + 3] = packet.length;
      bytes.set(packet, at + 4);
      at += 4 + packet.length;
      const every = this.#faults.dropTailEvery ?? 0;
      this.#cutCounter += 1;
      if (every > 0 && this.#cutCounter % every === 0) at -= packet.length >> 1;
    }
    for (let i = 0; i < garbageBytes; i++) bytes[at + i] = (i * 73 + 11) & 255;
    return bytes.subarray(0, at + garbageBytes);
  }

  #report(session: StreamSession): void {
    if (this.#faults.freeze) return;
    for (const served of session.tracks) {
      const state = this.#states[served.trackIndex]!;
      const ntp = msToNtp(state.lastWallMs + (this.#faults.clockAheadMs ?? 0));
      const packet = writeRtcp([
        {
          type: 'sr',
          ssrc: state.ssrc,
          ntpSeconds: ntp.seconds,
          ntpFraction: ntp.fraction,
          rtpTimestamp: state.lastTimestamp,
          packetCount: modulo32(state.packets),
          octetCount: modulo32(state.bytes),
          reports: [],
        },
      ]);
      session.write(this.#frame([packet], served.rtcpChannel));
    }
  }
}

function modulo32(value: number): number {
  return ((value % 0x1_0000_0000) + 0x1_0000_0000) % 0x1_0000_0000;
}
