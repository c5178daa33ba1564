import { obuType } from './obu.ts';

/**
 * True where the first byte of a frame header (AV1 Bitstream Specification §5.9.2) says that it is a key frame which is
 * shown: decoding can start there. `isReducedStill` is of the sequence.
 */
export function isAv1Key(firstByte: number, isReducedStill: boolean): boolean {
  // show_existing_frame 0, frame_type 0, show_frame 1.
  return isReducedStill || firstByte >> 4 === 1;
}

/** True for units that begin with a frame header. */
export function hasFrameHeader(type: number): boolean {
  return type === obuType.frame || type === obuType.frameHeader;
}

/** True for units that are of no use to a decoder, and must not be sent over RTP (payload format §5) nor be in MP4. */
export function isAv1Stripped(type: number): boolean {
  return type === obuType.temporalDelimiter || type === obuType.tileList || type === obuType.padding;
}
