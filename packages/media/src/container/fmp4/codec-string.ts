import { parseAudioSpecificConfig } from '../../codec/aac/config.ts';
import { av1CodecString } from '../../codec/av1/decoder-config.ts';
import { parseH265Sps } from '../../codec/h265/sps.ts';
import type { Track } from '../../types.ts';
import { knownSize, mpegAudioObjectType, parameterSet } from './codec-boxes.ts';

function hex2(value: number): string {
  return value.toString(16).padStart(2, '0').toUpperCase();
}

/** `hvc1.` string of ISO/IEC 14496-15 Annex E: profile, reversed compatibility flags, tier and level, constraints. */
function hevcString(track: Track): string {
  const sps = parseH265Sps(parameterSet(track, 1));
  let reversed = 0;
  for (let i = 0; i < 32; i++) if ((sps.compatibility >>> i) & 1) reversed += 2 ** (31 - i);
  const constraints = Array.from(sps.constraints);
  while (constraints.length > 0 && constraints.at(-1) === 0) constraints.pop();
  const space = ['', 'A', 'B', 'C'][sps.space]!;
  const head = `hvc1.${space}${sps.profile}.${reversed.toString(16).toUpperCase()}.${sps.highTier ? 'H' : 'L'}${sps.level}`;
  return [head, ...constraints.map((byte) => byte.toString(16).toUpperCase())].join('.');
}

const writers: Partial<Record<Track['codec'], (track: Track) => string>> = {
  h264: (track) => {
    const sps = parameterSet(track, 0);
    return `avc1.${hex2(sps[1] ?? 0)}${hex2(sps[2] ?? 0)}${hex2(sps[3] ?? 0)}`;
  },
  h265: hevcString,
  av1: (track) => av1CodecString(parameterSet(track, 0)),
  mjpeg: (track) => {
    knownSize(track);
    return 'mp4v.6C';
  },
  mp3: (track) => `mp4a.${hex2(mpegAudioObjectType(track))}`,
  aac: (track) => `mp4a.40.${parseAudioSpecificConfig(parameterSet(track, 0)).objectType}`,
  flac: () => 'fLaC',
  opus: () => 'Opus',
  pcma: () => 'alaw',
  pcmu: () => 'ulaw',
};

/**
 * The `codecs` parameter (RFC 6381 §3) of a file with these tracks, for `MediaSource.isTypeSupported` and
 * `EXT-X-STREAM-INF`; codecs without a sample entry are left out. Throws `unavailable` without parameter sets.
 */
export function codecString(tracks: readonly Track[]): string {
  const names: string[] = [];
  for (const track of tracks) {
    const name = writers[track.codec]?.(track);
    if (name !== undefined) names.push(name);
  }
  return names.join(',');
}
