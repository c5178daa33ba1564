import { sequenceHeaderOf } from '@watchpost/media/codec/av1/decoder-config.ts';
import { packetizeAac } from '@watchpost/media/rtp/packetize/aac.ts';
import { packetizeAv1 } from '@watchpost/media/rtp/packetize/av1.ts';
import { packetizeG711 } from '@watchpost/media/rtp/packetize/g711.ts';
import { packetizeH264 } from '@watchpost/media/rtp/packetize/h264.ts';
import { packetizeH265 } from '@watchpost/media/rtp/packetize/h265.ts';
import { packetizeJpeg } from '@watchpost/media/rtp/packetize/jpeg.ts';
import { packetizeMpegAudio } from '@watchpost/media/rtp/packetize/mpeg-audio.ts';
import { packetizeVp8, packetizeVp9, recutVp8, recutVp9 } from '@watchpost/media/rtp/packetize/vpx.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';

/** One RTP packet to be. */
export interface Payload {
  readonly bytes: Uint8Array;
  readonly marker: boolean;
  /** Ticks after the sample's own time. */
  readonly offsetTicks: number;
}

/** Cuts a sample into RTP payloads of at most `maxPayloadBytes`; parameter sets go before each key picture. */
export function packetizeSample(sample: Sample, maxPayloadBytes: number): Payload[] {
  const { track, units } = sample;
  if (track.codec === 'h264' || track.codec === 'h265') {
    const all = sample.key ? [...track.parameterSets, ...units] : units;
    const cut = track.codec === 'h265' ? packetizeH265 : packetizeH264;
    return withMarkers(cut(all, maxPayloadBytes), 'last');
  }
  if (track.codec === 'aac') return withMarkers(packetizeAac(units, maxPayloadBytes), 'all');
  const frame = units[0];
  if (frame === undefined) return [];
  if (track.codec === 'mjpeg') return withMarkers(packetizeJpeg(frame, maxPayloadBytes), 'last');
  if (track.codec === 'av1') {
    const [record] = track.parameterSets;
    const key = sample.key ? { sequenceHeader: record && sequenceHeaderOf(record) } : undefined;
    return withMarkers(packetizeAv1(frame, maxPayloadBytes, key), 'last');
  }
  if (track.codec === 'vp8' || track.codec === 'vp9') return withMarkers(packetizeVpx(sample, maxPayloadBytes), 'last');
  if (track.codec === 'mp3') return withMarkers(packetizeMpegAudio(frame, maxPayloadBytes), 'none');
  const block = blockOf(track);
  // An Opus packet is one frame, whatever its size (RFC 7587 §4.2).
  if (block === undefined) return withMarkers([frame], 'none');
  const pieceBytes = Math.floor(maxPayloadBytes / block.bytes) * block.bytes;
  return packetizeG711(frame, pieceBytes).map((bytes, i) => ({
    bytes,
    marker: false,
    offsetTicks: (i * pieceBytes * block.ticks) / block.bytes,
  }));
}

function packetizeVpx({ track, units, rtp, key }: Sample, maxPayloadBytes: number): Uint8Array[] {
  const isVp8 = track.codec === 'vp8';
  if (rtp !== undefined) return (isVp8 ? recutVp8 : recutVp9)(rtp, maxPayloadBytes);
  return isVp8 ? packetizeVp8(units[0]!, maxPayloadBytes) : packetizeVp9(units[0]!, maxPayloadBytes, key);
}

/** The smallest piece that sound of a constant rate can be cut into. */
function blockOf(track: Track): { readonly bytes: number; readonly ticks: number } | undefined {
  const channels = track.channels ?? 1;
  if (track.codec === 'pcma' || track.codec === 'pcmu') return { bytes: channels, ticks: 1 };
  if (track.codec === 'l16') return { bytes: channels * 2, ticks: 1 };
  if (track.codec !== 'g726') return undefined;
  // Eight samples of 2…5 bits fill whole bytes (RFC 3551 §4.5.4): the name has the kbit/s, eight for each bit.
  const kbits = Number(track.encoding?.slice(-2) ?? 32);
  return { bytes: kbits / 8, ticks: 8 };
}

function withMarkers(payloads: readonly Uint8Array[], which: 'last' | 'all' | 'none'): Payload[] {
  return payloads.map((bytes, i) => ({
    bytes,
    marker: which === 'all' || (which === 'last' && i === payloads.length - 1),
    offsetTicks: 0,
  }));
}
