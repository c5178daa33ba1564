import type { CodecName } from '../../types.ts';

/** TagType of a tag (Adobe FLV v10.1 §E.4.1); the same numbers are RTMP message types. */
export const flvTagType = { audio: 8, video: 9, script: 18 } as const;

/** Bytes of a tag's header, and of the size behind each tag. */
export const tagHeadBytes = 11;
/** PreviousTagSize (§E.3). */
export const tagTailBytes = 4;

/** Packet types in AVCVIDEOPACKET and AACAUDIODATA (§E.4.3.1, §E.4.2.2), and of enhanced RTMP v2. */
export const packetType = {
  sequenceStart: 0,
  codedFrames: 1,
  sequenceEnd: 2,
  /** Without composition time, video only. */
  codedFramesX: 3,
  metadata: 4,
  multitrackAudio: 5,
  multitrackVideo: 6,
  modEx: 7,
} as const;

/** CodecID of video (§E.4.3.1); 12 was never Adobe's, but is what players in China took for H.265 before FourCCs. */
export const videoId = { h264: 7, h265: 12 } as const;

/** SoundFormat of audio (§E.4.2.1); 9 is the enhanced header of enhanced RTMP v2. */
export const soundFormat = { mp3: 2, pcma: 7, pcmu: 8, enhanced: 9, aac: 10, mp3At8k: 14 } as const;

/** Hz by SoundRate (§E.4.2.1). */
export const soundRates: readonly number[] = [5512, 11_025, 22_050, 44_100];

/** FourCC as a number, by codec (enhanced RTMP v2, "Enhanced Audio" and "Enhanced Video"). */
export const fourCcOf: Readonly<Partial<Record<CodecName, number>>> = {
  h264: 0x6176_6331,
  h265: 0x6876_6331,
  av1: 0x6176_3031,
  vp8: 0x7670_3038,
  vp9: 0x7670_3039,
  aac: 0x6d70_3461,
  opus: 0x4f70_7573,
  flac: 0x664c_6143,
  mp3: 0x2e6d_7033,
};

const codecs = new Map(Object.entries(fourCcOf).map(([codec, fourCc]) => [fourCc, codec as CodecName]));

/** The codec that a FourCC means; undefined for one that is not carried. */
export function codecOfFourCc(fourCc: number): CodecName | undefined {
  return codecs.get(fourCc);
}
