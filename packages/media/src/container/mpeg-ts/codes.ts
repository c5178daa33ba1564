/** Bytes of a transport packet (ISO/IEC 13818-1 §2.4.3.2). */
export const packetBytes = 188;
/** First byte of each packet. */
export const syncByte = 0x47;
/** Of packets without an adaptation field. */
export const payloadBytes = 184;

/** stream_type (ISO/IEC 13818-1 table 2-34). */
export const streamType = {
  mp3: 0x03,
  mpeg2Audio: 0x04,
  privateData: 0x06,
  aac: 0x0f,
  h264: 0x1b,
  h265: 0x24,
} as const;

/** PID of the programme association table. */
export const patPid = 0;
/** PIDs that our muxer writes. */
export const ourPid = { pmt: 0x1000, video: 0x100, audio: 0x101 } as const;
/** PID of stuffing packets. */
export const nullPid = 0x1fff;

/** Ticks per second of PTS and DTS. */
export const tsClockRate = 90_000;
