import { packetizeAac } from '@watchpost/media/rtp/packetize/aac.ts';
import { packetizeG711 } from '@watchpost/media/rtp/packetize/g711.ts';
import { packetizeH264 } from '@watchpost/media/rtp/packetize/h264.ts';
import { packetizeH265 } from '@watchpost/media/rtp/packetize/h265.ts';
import type { Sample } from '@watchpost/media/types.ts';

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
  const bytesPerTick = { pcma: 1, pcmu: 1, l16: 2 }[track.codec as string];
  // An Opus packet is one frame, whatever its size (RFC 7587 §4.2).
  if (bytesPerTick === undefined) return withMarkers([frame], 'none');
  const tickBytes = bytesPerTick * (track.channels ?? 1);
  const pieceBytes = Math.floor(maxPayloadBytes / tickBytes) * tickBytes;
  return packetizeG711(frame, pieceBytes).map((bytes, i) => ({
    bytes,
    marker: false,
    offsetTicks: (i * pieceBytes) / tickBytes,
  }));
}

function withMarkers(payloads: readonly Uint8Array[], which: 'last' | 'all' | 'none'): Payload[] {
  return payloads.map((bytes, i) => ({
    bytes,
    marker: which === 'all' || (which === 'last' && i === payloads.length - 1),
    offsetTicks: 0,
  }));
}
