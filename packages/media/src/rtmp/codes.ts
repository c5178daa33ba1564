/** Message types (RTMP 1.0 §5.4, §7.1). */
export const messageType = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowSize: 5,
  peerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  commandAmf3: 17,
  data: 18,
  command: 20,
  aggregate: 22,
} as const;

/** User control events (§7.1.7). */
export const userControl = {
  streamBegin: 0,
  streamEnd: 1,
  setBufferLength: 3,
  pingRequest: 6,
  pingResponse: 7,
} as const;

/** Chunk streams that we send on: each kind keeps its own, so that one never waits behind another's header. */
export const chunkStream = { control: 2, command: 3, audio: 4, data: 5, video: 6 } as const;

/** The message stream of all media that we serve: a connection plays or publishes one thing at a time. */
export const mediaStreamId = 1;

/** Until somebody says otherwise (§5.4.1). */
export const defaultChunkBytes = 128;

/** Past this a timestamp goes into a field of its own (§5.3.1.3). */
export const extendedFromMs = 0xff_ffff;
