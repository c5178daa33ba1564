import { parseAudioSpecificConfig } from '../../codec/aac/config.ts';
import type { CodecName, Track } from '../../types.ts';

const carried: ReadonlySet<CodecName> = new Set<CodecName>(['h264', 'h265', 'aac', 'opus', 'mp3']);

/** Why MPEG-TS cannot carry a track; undefined where it can. HLS players know no Opus in MPEG-TS: HLS refuses it itself. */
export function tsLeftOut(track: Track): string | undefined {
  if (track.kind === 'data' || !carried.has(track.codec)) {
    return `MPEG-TS carries H.264, H.265, AAC, MP3 and Opus, not ${track.codec}: set the camera to one of these`;
  }
  if (track.codec === 'opus' && (track.channels ?? 2) > 2) return 'MPEG-TS carries Opus with one or two channels here';
  const [config] = track.parameterSets;
  if (track.codec === 'aac' && config !== undefined && parseAudioSpecificConfig(config).objectType > 29) {
    return 'MPEG-TS carries AAC-LC and HE-AAC only: ADTS has no room for this profile';
  }
  return undefined;
}

/** True once the codec data that a player needs first are known. */
export function isTsReady({ codec, parameterSets }: Track): boolean {
  if (codec === 'h264') return parameterSets.length >= 2;
  if (codec === 'h265') return parameterSets.length >= 3;
  return codec !== 'aac' || parameterSets.length >= 1;
}
