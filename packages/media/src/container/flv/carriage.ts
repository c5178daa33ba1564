import type { CodecName, Track } from '../../types.ts';

const reasons: Readonly<Partial<Record<CodecName, string>>> = {
  mjpeg: 'FLV carries no MJPEG: set the camera to H.264',
  g726: 'FLV carries no G.726: set the camera to AAC or G.711',
  l16: 'FLV carries no L16: set the camera to AAC or G.711',
};

/** Why FLV and RTMP cannot carry a track; undefined where they can. */
export function flvLeftOut(track: Track): string | undefined {
  const { codec, kind } = track;
  if (kind === 'data') return 'FLV carries picture and sound only';
  const reason = reasons[codec];
  if (reason !== undefined) return reason;
  const sampleRate = track.sampleRate ?? track.clockRate;
  if ((codec === 'pcma' || codec === 'pcmu') && sampleRate !== 8000) {
    return `FLV carries G.711 at 8000 Hz only, not at ${sampleRate} Hz: set the camera to 8000 Hz or AAC`;
  }
  if (codec === 'opus' && (track.channels ?? 2) > 2) return 'Opus with more than two channels is not carried in FLV';
  return undefined;
}

/** True once the codec data that a player needs first are known. */
export function isFlvReady(track: Track): boolean {
  const { codec, parameterSets } = track;
  if (codec === 'h264') return parameterSets.length >= 2;
  if (codec === 'h265') return parameterSets.length >= 3;
  return (codec !== 'aac' && codec !== 'flac' && codec !== 'av1') || parameterSets.length >= 1;
}
