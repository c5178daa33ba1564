import { h264NalType, isH264Vcl } from '@watchpost/media/codec/h264/nal-type.ts';
import { h265NalType, isH265Vcl } from '@watchpost/media/codec/h265/nal-type.ts';
import type { RtpPacket, Track } from '@watchpost/media/types.ts';

/** Nothing has to go before a picture. One object, as it is asked for with each of them. */
export const noSets: readonly Uint8Array[] = [];

/**
 * Tells which parameter sets have to go before a key picture that is passed on as it came. Sources that name theirs in the
 * description only (RFC 6184 §8.2.1; FFmpeg as a publisher, for one) send none in band; players that described the stream
 * before another source or another picture size came would never hear of the new ones.
 */
export class InBandSets {
  #track: Track;
  #haveChanged = false;

  /** `track` is what players were told of when the output began. */
  constructor(track: Track) {
    this.#track = track;
  }

  /** The sets that `packets`, a key picture of `track`, lack; none as long as all players know them from the description. */
  missing(track: Track, packets: readonly RtpPacket[]): readonly Uint8Array[] {
    if (track !== this.#track) {
      this.#haveChanged ||= !sameSets(track.parameterSets, this.#track.parameterSets);
      this.#track = track;
    }
    if (!this.#haveChanged || (track.codec !== 'h264' && track.codec !== 'h265')) return noSets;
    return hasSets(packets, track.codec === 'h265') ? noSets : track.parameterSets;
  }
}

function sameSets(some: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  return some.length === others.length && some.every((set, i) => Buffer.compare(set, others[i]!) === 0);
}

/** True if one of the packets before the picture itself has a sequence parameter set, alone or among others. */
function hasSets(packets: readonly RtpPacket[], isH265: boolean): boolean {
  const { sps, aggregate } = isH265
    ? { sps: h265NalType.sps, aggregate: h265NalType.aggregation }
    : { sps: h264NalType.sps, aggregate: h264NalType.stapA };
  for (let i = 0; i < packets.length; i++) {
    const { chunk, payloadStart, payloadEnd } = packets[i]!;
    const type = nalType(chunk[payloadStart]!, isH265);
    if (type === sps) return true;
    if (type === aggregate) {
      // Each unit stands behind its length in two bytes (RFC 6184 §5.7.1, RFC 7798 §4.4.2).
      for (let at = payloadStart + (isH265 ? 2 : 1); at + 2 < payloadEnd; ) {
        if (nalType(chunk[at + 2]!, isH265) === sps) return true;
        at += 2 + ((chunk[at]! << 8) | chunk[at + 1]!);
      }
    } else if (isH265 ? isH265Vcl(type) : isH264Vcl(type)) return false;
  }
  return false;
}

function nalType(firstByte: number, isH265: boolean): number {
  return isH265 ? (firstByte >> 1) & 63 : firstByte & 31;
}
