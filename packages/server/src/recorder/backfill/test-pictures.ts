import { concatBytes, fromHex } from '@watchpost/base/bytes.ts';

/** Baseline, 640×360, as `sprop-parameter-sets`; made with x264. */
const sets = 'Z0LAHtkB4In5cBEAAAMAAQAAAwA8DxYuSA==,aMuDyyA=';

/** A session description of one H.264 track; another `version` is another text of the same track. */
export function testSdp(version = 0): string {
  const fmtp = `packetization-mode=1; sprop-parameter-sets=${sets}`;
  return `v=0\r\no=- ${version} 0 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 ${fmtp}\r\na=control:0\r\n`;
}

/** Sets that replace those of `testSdp`, of the same pictures: only what the video signal is said to be differs. */
export const otherSps = fromHex('6742c01fd901e089f970110000030001000003003c0f162e48');

/** How a packet of a picture is made. */
export interface TestPacket {
  readonly sequence: number;
  /** 25 pictures a second, a key picture each 25. */
  readonly picture: number;
  /** Instead of a slice. */
  readonly nal?: Uint8Array;
  readonly marker?: boolean;
}

/** An RTP packet: by default a picture's only slice, with the number of the picture in it. */
export function testPacket({ sequence, picture, nal = sliceOf(picture), marker = true }: TestPacket): Uint8Array {
  const header = new Uint8Array(12);
  header.set([0x80, (marker ? 0x80 : 0) | 96, sequence >> 8, sequence]);
  new DataView(header.buffer).setUint32(4, picture * 3600);
  return concatBytes([header, nal]);
}

/** Numbers of the pictures whose slices lie in these bytes, in order. */
export function picturesIn(bytes: Uint8Array): number[] {
  const text = Buffer.from(bytes).toString('latin1');
  return [...text.matchAll(/picture (\d{6})/g)].map((match) => Number(match[1]));
}

function sliceOf(picture: number): Uint8Array {
  const text = `picture ${String(picture).padStart(6, '0')}`;
  // first_mb_in_slice 0: the slice begins its picture.
  return concatBytes([
    Uint8Array.of(picture % 25 === 0 ? 0x65 : 0x41, 0x88),
    new TextEncoder().encode(text),
    new Uint8Array(100).fill(0x55),
  ]);
}
