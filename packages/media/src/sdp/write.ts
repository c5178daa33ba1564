import { toBase64 } from '@watchpost/base/base64.ts';
import { toHex } from '@watchpost/base/bytes.ts';
import { rtpClockRate } from '../rtp/clock-rate.ts';
import type { CodecName, Track } from '../types.ts';
import { attributeOf, type SdpMedia, type SdpSession } from './sdp.ts';

/** The description as text (RFC 8866 §5): `parseSdp(writeSdp(x))` equals `x` where `x` came from `parseSdp`. */
export function writeSdp(sdp: SdpSession): string {
  let text = `v=0\r\no=${sdp.origin ?? '- 0 0 IN IP4 0.0.0.0'}\r\ns=${sdp.name || ' '}\r\n`;
  if (sdp.address !== undefined) text += `c=${connection(sdp.address)}\r\n`;
  text += 't=0 0\r\n';
  for (const [name, value] of sdp.attributes) text += value === undefined ? `a=${name}\r\n` : `a=${name}:${value}\r\n`;
  for (const media of sdp.media) text += writeMedia(media);
  return text;
}

/** One track to describe. */
export interface TrackToDescribe {
  readonly track: Track;
  readonly payloadType: number;
  /** `a=control` of the medium: `trackID=0`. */
  readonly control: string;
}

/** What a description says besides its tracks. */
export interface DescriptionOptions {
  /** `s=`; one space if not given, for nobody may leave it empty (RFC 8866 §5.3). */
  readonly name?: string;
  /** Session id of `o=`, digits. */
  readonly sessionId?: string;
  readonly attributes?: SdpSession['attributes'];
}

/**
 * A description for RTSP (RFC 2326 appendix C) of tracks that can be sent over RTP; those that cannot are left out.
 * `c=` is 0.0.0.0, which Darwin demands and which makes no player think of multicast.
 */
export function describeTracks(tracks: readonly TrackToDescribe[], options: DescriptionOptions = {}): SdpSession {
  return {
    origin: `- ${options.sessionId ?? '0'} 1 IN IP4 0.0.0.0`,
    name: options.name ?? ' ',
    address: '0.0.0.0',
    control: '*',
    attributes: [...(options.attributes ?? []), ['control', '*']],
    media: tracks.flatMap((track) => describeTrack(track) ?? []),
  };
}

const encodingNames: Readonly<Partial<Record<CodecName, string>>> = {
  h264: 'H264',
  h265: 'H265',
  av1: 'AV1',
  vp8: 'VP8',
  vp9: 'VP9',
  mjpeg: 'JPEG',
  aac: 'MPEG4-GENERIC',
  opus: 'opus',
  pcma: 'PCMA',
  pcmu: 'PCMU',
  g726: 'G726-32',
  l16: 'L16',
  mp3: 'MPA',
};

function describeTrack(part: TrackToDescribe): SdpMedia | undefined {
  const { track, payloadType, control } = part;
  const name = track.encoding ?? encodingNames[track.codec];
  if (name === undefined || track.kind === 'data') return undefined;
  const channels = channelsOf(track);
  const clockRate = rtpClockRate(track);
  const withChannels = channels !== undefined && (channels > 1 || track.codec === 'aac' || track.codec === 'opus');
  const rtpmap = { name, clockRate, ...(withChannels ? { channels } : {}) };
  const fmtp = fmtpOf(track);
  return {
    kind: track.kind,
    port: 0,
    profile: 'RTP/AVP',
    payloadTypes: [payloadType],
    control,
    rtpmaps: new Map([[payloadType, rtpmap]]),
    fmtps: fmtp ? new Map([[payloadType, fmtp]]) : new Map(),
    attributes: [
      ['rtpmap', `${payloadType} ${name}/${clockRate}${withChannels ? `/${channels}` : ''}`],
      ...(fmtp ? ([['fmtp', `${payloadType} ${fmtpText(fmtp)}`]] as const) : []),
      // Packets of JPEG count in blocks of eight pixels, and up to 2040 only (RFC 2435 §3.1.5).
      ...(track.codec === 'mjpeg' && track.width && track.height
        ? ([['x-dimensions', `${track.width},${track.height}`]] as const)
        : []),
      ['control', control],
    ],
  };
}

function channelsOf(track: Track): number | undefined {
  if (track.kind !== 'audio' || track.codec === 'mp3') return undefined;
  // Two whatever it carries (RFC 7587 §7).
  return track.codec === 'opus' ? 2 : (track.channels ?? 1);
}

function fmtpOf(track: Track): Record<string, string> | undefined {
  const sets = track.parameterSets;
  if (track.codec === 'h264') {
    const base: Record<string, string> = { 'packetization-mode': '1' };
    if (sets[0] && sets[0].length >= 4) {
      base['sprop-parameter-sets'] = sets.map(toBase64).join(',');
      base['profile-level-id'] = toHex(sets[0].subarray(1, 4));
    }
    return base;
  }
  if (track.codec === 'h265' && sets.length >= 3) {
    return { 'sprop-vps': toBase64(sets[0]!), 'sprop-sps': toBase64(sets[1]!), 'sprop-pps': toBase64(sets[2]!) };
  }
  if (track.codec === 'av1' && sets[0] && sets[0].length >= 4) {
    const [, second, third] = sets[0];
    return { profile: `${second! >> 5}`, 'level-idx': `${second! & 31}`, tier: `${third! >> 7}` };
  }
  if (track.codec === 'aac' && sets[0]) {
    // High bit-rate mode of RFC 3640 §3.3.6.
    return {
      'profile-level-id': '1',
      mode: 'AAC-hbr',
      sizelength: '13',
      indexlength: '3',
      indexdeltalength: '3',
      config: toHex(sets[0]),
    };
  }
  if (track.codec === 'opus' && track.channels === 2) return { 'sprop-stereo': '1' };
  return undefined;
}

function fmtpText(format: Readonly<Record<string, string>>): string {
  return Object.entries(format)
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('; ');
}

function writeMedia(media: SdpMedia): string {
  let text = `m=${media.kind} ${media.port} ${media.profile} ${media.payloadTypes.join(' ')}\r\n`;
  if (media.address !== undefined) text += `c=${connection(media.address)}\r\n`;
  for (const [name, value] of media.attributes)
    text += value === undefined ? `a=${name}\r\n` : `a=${name}:${value}\r\n`;
  // Sections made by hand may hold their control in the field only.
  if (media.control !== undefined && attributeOf(media, 'control') === undefined)
    text += `a=control:${media.control}\r\n`;
  return text;
}

function connection(address: string): string {
  return `IN ${address.includes(':') ? 'IP6' : 'IP4'} ${address}`;
}
