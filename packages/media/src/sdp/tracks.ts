import { fromBase64 } from '@watchpost/base/base64.ts';
import { fromHex } from '@watchpost/base/bytes.ts';
import { aacSampleRates, parseAudioSpecificConfig } from '../codec/aac/config.ts';
import { parseH264Sps } from '../codec/h264/sps.ts';
import { parseH265Sps } from '../codec/h265/sps.ts';
import { lowByteFirst } from '../rtp/depacketize/index-by-codec.ts';
import type { CodecName, Track } from '../types.ts';
import { attributeOf, type RtpMap, type SdpAttribute, type SdpMedia, type SdpSession } from './sdp.ts';

/** One medium of a description that we know how to name. */
export interface SdpTrack {
  /** `track.id` is the index among the tracks of the description. */
  readonly track: Track;
  /** `a=control` as written, `''` where there is none. */
  readonly control: string;
  readonly payloadType: number;
  /** Parameters of `a=fmtp`, names in lower case, and what `createDepacketizer` must know besides. */
  readonly format: Readonly<Record<string, string>>;
  /** Encoding name as the description has it, or that of the static payload type (RFC 3551 §6): `H264`, `PCMA`. */
  readonly rtpmapName: string;
  /** `RTP/AVP`, `RTP/SAVP`, … */
  readonly profile: string;
  /** `a=key-mgmt` (RFC 4567 §3.1) and `a=crypto` (RFC 4568 §4) of encrypted media, the medium's before the session's. */
  readonly keyOffers?: readonly SdpAttribute[];
  /** The medium runs from us to the device (ONVIF Streaming Specification §5.3). */
  readonly backChannel: boolean;
}

/** Payload types that need no rtpmap (RFC 3551 §6). */
const staticTypes: Readonly<Record<number, Required<RtpMap>>> = {
  0: { name: 'PCMU', clockRate: 8000, channels: 1 },
  8: { name: 'PCMA', clockRate: 8000, channels: 1 },
  10: { name: 'L16', clockRate: 44100, channels: 2 },
  11: { name: 'L16', clockRate: 44100, channels: 1 },
  14: { name: 'MPA', clockRate: 90000, channels: 1 },
  26: { name: 'JPEG', clockRate: 90000, channels: 1 },
};

const codecs: Readonly<Record<string, CodecName>> = {
  H264: 'h264',
  H265: 'h265',
  HEVC: 'h265',
  AV1: 'av1',
  VP8: 'vp8',
  VP9: 'vp9',
  JPEG: 'mjpeg',
  'MPEG4-GENERIC': 'aac',
  'MP4A-LATM': 'aac',
  OPUS: 'opus',
  PCMA: 'pcma',
  PCMU: 'pcmu',
  'G726-16': 'g726',
  'G726-24': 'g726',
  'G726-32': 'g726',
  'G726-40': 'g726',
  'AAL2-G726-16': 'g726',
  'AAL2-G726-24': 'g726',
  'AAL2-G726-32': 'g726',
  'AAL2-G726-40': 'g726',
  L16: 'l16',
  // Hikvision's name for 16-bit samples, low byte first.
  PCM: 'l16',
  MPA: 'mp3',
  MP3: 'mp3',
};

const videoCodecs: ReadonlySet<CodecName> = new Set(['h264', 'h265', 'av1', 'vp8', 'vp9', 'mjpeg']);

/** Reads the configuration of MP4A-LATM in the parameters of `a=fmtp` (RFC 6416 §7.1): `latmConfigOf`. */
export type ReadLatm = (
  format: Readonly<Record<string, string>>,
) => { readonly audioSpecificConfig: Uint8Array } | undefined;

/**
 * The tracks of a description, in its order; media in a format without a name here are left out. Without `readLatm` a track
 * of MP4A-LATM has no codec data, as if they came in band.
 */
export function tracksFromSdp(sdp: SdpSession, readLatm?: ReadLatm): SdpTrack[] {
  const tracks: SdpTrack[] = [];
  const directionOf = (media: SdpMedia) => media.direction ?? sdp.direction;
  // Some cameras flag everything sendonly, their pictures, too (mtx#5074): there the flag tells nothing.
  const hasBackChannels = sdp.media.some((media) => formatOf(media) && directionOf(media) !== 'sendonly');
  for (const media of sdp.media) {
    const found = formatOf(media);
    if (!found) continue;
    const { payloadType, map, codec } = found;
    const format = { ...impliedBy(map), ...fmtpOf(sdp, media, found) };
    tracks.push({
      track: {
        ...toTrack({ id: tracks.length, codec, map, format, readLatm }),
        ...(codec === 'mjpeg' ? sizeOf(media) : {}),
      },
      control: media.control ?? '',
      payloadType,
      format,
      rtpmapName: map.name,
      profile: media.profile,
      ...(media.profile.includes('SAVP') ? { keyOffers: keyOffersOf(media, sdp) } : {}),
      backChannel: hasBackChannels && directionOf(media) === 'sendonly' && !videoCodecs.has(codec),
    });
  }
  return tracks;
}

/** Media of a description that `tracksFromSdp` left out, as `kind/encoding`, to tell a person. */
export function mediaLeftOut(sdp: SdpSession): string[] {
  return sdp.media
    .filter((media) => !formatOf(media))
    .map((media) => {
      const name = [...media.rtpmaps.values()][0]?.name ?? (media.payloadTypes.join(',') || 'unknown');
      return `${media.kind}/${name}`;
    });
}

function keyOffersOf(...sections: readonly { readonly attributes: readonly SdpAttribute[] }[]): SdpAttribute[] {
  return sections.flatMap(({ attributes }) => attributes.filter(([name]) => name === 'key-mgmt' || name === 'crypto'));
}

interface Found {
  payloadType: number;
  map: RtpMap;
  codec: CodecName;
}

/** The first payload type of a medium that has a name we know. */
function formatOf(media: SdpMedia): Found | undefined {
  if (media.kind !== 'video' && media.kind !== 'audio') return undefined;
  for (const payloadType of media.payloadTypes) {
    const map = media.rtpmaps.get(payloadType) ?? staticTypes[payloadType];
    const codec = map && codecs[map.name.toUpperCase()];
    if (map && codec) return { payloadType, map, codec };
  }
  // An rtpmap for a payload type that `m=` does not list, where there is no other.
  const [only] = media.rtpmaps.size === 1 ? [...media.rtpmaps] : [];
  const codec = only && codecs[only[1].name.toUpperCase()];
  return codec ? { payloadType: only[0], map: only[1], codec } : undefined;
}

function fmtpOf(sdp: SdpSession, media: SdpMedia, found: Found): Readonly<Record<string, string>> {
  const own = media.fmtps.get(found.payloadType) ?? {};
  if (found.codec !== 'h264' || own['sprop-parameter-sets']) return own;
  // Some cameras write the fmtp of their H.264 track under another payload type or another medium.
  for (const other of [media, ...sdp.media]) {
    for (const format of other.fmtps.values()) if (format['sprop-parameter-sets']) return { ...own, ...format };
  }
  return own;
}

/** What an encoding name says that its parameters leave out. */
function impliedBy({ name }: RtpMap): Readonly<Record<string, string>> {
  const upper = name.toUpperCase();
  // RFC 6416 §7.1: the configuration is in band unless the parameter says otherwise.
  if (upper === 'MP4A-LATM') return { cpresent: '1' };
  if (upper === 'PCM') return { [lowByteFirst]: '' };
  return {};
}

/** `a=x-dimensions:W,H` (QuickTime, GStreamer, FFmpeg) or `a=framesize:96 W-H` (3GPP TS 26.234 §5.3.3.1). */
function sizeOf(media: SdpMedia): { width?: number; height?: number } {
  const text = attributeOf(media, 'x-dimensions') ?? attributeOf(media, 'framesize')?.replace(/^\d+\s+/, '');
  const [, width, height] = /^(\d{1,5})\s*[,-]\s*(\d{1,5})$/.exec(text?.trim() ?? '') ?? [];
  const size = { width: Number(width), height: Number(height) };
  return size.width > 0 && size.height > 0 && size.width < 65_536 && size.height < 65_536 ? size : {};
}

interface TrackPart {
  readonly id: number;
  readonly codec: CodecName;
  readonly map: RtpMap;
  readonly format: Readonly<Record<string, string>>;
  readonly readLatm: ReadLatm | undefined;
}

function toTrack(part: TrackPart): Track {
  const { id, codec, map, format } = part;
  if (videoCodecs.has(codec)) {
    const parameterSets = codec === 'h264' ? h264Sets(format) : codec === 'h265' ? h265Sets(format) : [];
    const base = { id, kind: 'video', codec, clockRate: 90000 } as const;
    return { ...base, ...pictureOf(codec, parameterSets), parameterSets };
  }
  if (codec === 'aac') return aacTrack(part);
  // Opus runs at 48 kHz and two channels whatever the description says (RFC 7587 §4.1).
  const clockRate = codec === 'opus' ? 48000 : (map.clockRate ?? (codec === 'mp3' ? 90000 : 8000));
  const channels = codec === 'opus' ? 2 : (map.channels ?? 1);
  const base = { id, kind: 'audio', codec, clockRate, parameterSets: [] } as const;
  // The clock of MPA is 90 kHz, not its sample rate (RFC 3551 §4.5.13).
  if (codec === 'mp3') return base;
  const encoding = codec === 'g726' ? { encoding: map.name.toUpperCase() } : {};
  return { ...base, ...encoding, sampleRate: clockRate, channels };
}

function aacTrack({ id, map, format, readLatm }: TrackPart): Track {
  const isLatm = 'cpresent' in format;
  const hex = (format['config'] ?? '').replaceAll('"', '');
  const isHex = hex.length >= 4 && hex.length <= 128 && /^([0-9a-f]{2})+$/i.test(hex);
  const given = isLatm ? readLatm?.(format)?.audioSpecificConfig : isHex ? fromHex(hex) : undefined;
  const parsed = given && attempt(() => parseAudioSpecificConfig(given));
  const sampleRate = parsed?.sampleRate ?? map.clockRate ?? 8000;
  const channels = parsed?.channels || map.channels || 1;
  const base = {
    id,
    kind: 'audio',
    codec: 'aac',
    clockRate: map.clockRate ?? sampleRate,
    sampleRate,
    channels,
  } as const;
  if (parsed && given) return { ...base, parameterSets: [given] };
  // In LATM the configuration comes in band.
  const made = isLatm ? undefined : lowComplexityConfig(sampleRate, channels);
  return { ...base, parameterSets: made ? [made] : [] };
}

/** An AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) of AAC-LC, for cameras that send no `config`. */
function lowComplexityConfig(sampleRate: number, channels: number): Uint8Array | undefined {
  const index = aacSampleRates.indexOf(sampleRate);
  if (index < 0 || channels < 1 || channels > 6) return undefined;
  return Uint8Array.of((2 << 3) | (index >> 1), ((index & 1) << 7) | (channels << 3));
}

function pictureOf(
  codec: CodecName,
  parameterSets: readonly Uint8Array[],
): { width?: number; height?: number; fps?: number } {
  const sps = parameterSets[codec === 'h265' ? 1 : 0];
  if (!sps || (codec !== 'h264' && codec !== 'h265')) return {};
  const parsed = attempt(() => (codec === 'h264' ? parseH264Sps(sps) : parseH265Sps(sps)));
  if (!parsed) return {};
  const { width, height, fps } = parsed;
  return fps === undefined ? { width, height } : { width, height, fps };
}

/** [SPS, PPS] (RFC 6184 §8.1), or nothing unless both are there. */
function h264Sets(format: Readonly<Record<string, string>>): Uint8Array[] {
  const units = nalUnits(format['sprop-parameter-sets']);
  const sps = units.find((unit) => (unit[0]! & 0x1f) === 7);
  const pps = units.filter((unit) => (unit[0]! & 0x1f) === 8);
  return sps && pps.length > 0 ? [sps, ...pps] : [];
}

/** [VPS, SPS, PPS] (RFC 7798 §7.1), or nothing unless all three are there: some cameras send one or two. */
function h265Sets(format: Readonly<Record<string, string>>): Uint8Array[] {
  const vps = nalUnits(format['sprop-vps']).find((unit) => ((unit[0]! >> 1) & 63) === 32);
  const sps = nalUnits(format['sprop-sps']).find((unit) => ((unit[0]! >> 1) & 63) === 33);
  const pps = nalUnits(format['sprop-pps']).find((unit) => ((unit[0]! >> 1) & 63) === 34);
  return vps && sps && pps ? [vps, sps, pps] : [];
}

/** Base64 units apart by commas, each without the Annex B start code that some cameras leave in. */
function nalUnits(text: string | undefined): Uint8Array[] {
  const units: Uint8Array[] = [];
  for (const part of (text ?? '').replaceAll('"', '').split(',').slice(0, 16)) {
    const bytes = parseBase64(part);
    if (!bytes) continue;
    for (const unit of splitAnnexB(bytes)) if (unit.length >= 2) units.push(unit);
  }
  return units;
}

function splitAnnexB(bytes: Uint8Array): Uint8Array[] {
  const starts = bytes[0] === 0 && bytes[1] === 0 && (bytes[2] === 1 || (bytes[2] === 0 && bytes[3] === 1));
  if (!starts) return [bytes];
  const units: Uint8Array[] = [];
  let from = -1;
  for (let at = 0; at + 2 < bytes.length; at++) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 1) continue;
    if (from >= 0) units.push(withoutTrailingZeros(bytes.slice(from, at)));
    from = at + 3;
  }
  if (from >= 0) units.push(withoutTrailingZeros(bytes.slice(from)));
  return units;
}

function withoutTrailingZeros(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return bytes.subarray(0, end);
}

function parseBase64(text: string): Uint8Array | undefined {
  const clean = text.trim().replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  if (clean === '' || !/^[A-Za-z0-9+/]+$/.test(clean) || clean.length % 4 === 1) return undefined;
  return fromBase64(clean);
}

/** The result, or undefined where a camera's codec data cannot be read: the stream carries them again. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
