import {
  AV_CODEC_FLAG_QSCALE,
  AV_CODEC_ID_AV1,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_HEVC,
  AV_CODEC_ID_MJPEG,
  AV_CODEC_ID_VP8,
  AV_CODEC_ID_VP9,
  AV_LOG_QUIET,
  AV_PIX_FMT_YUVJ420P,
  AVCOL_RANGE_JPEG,
  SWS_BICUBIC,
} from 'node-av/constants';
import { Codec, CodecContext, Frame, Log, Packet, Rational, SoftwareScaleContext } from 'node-av/lib';
import type { PictureSize } from './jpeg-decoder.ts';
import type { CodedPictures } from './picture.ts';

/** What FFmpeg's `-q:v 4` is in its own units (FF_QP2LAMBDA). */
const quality = 4 * 118;
const decoders = {
  ...{ h264: AV_CODEC_ID_H264, h265: AV_CODEC_ID_HEVC, mjpeg: AV_CODEC_ID_MJPEG },
  ...{ av1: AV_CODEC_ID_AV1, vp8: AV_CODEC_ID_VP8, vp9: AV_CODEC_ID_VP9 },
} as const;

Log.setLevel(AV_LOG_QUIET);
const packet = new Packet();
packet.alloc();
let writer: JpegWriter | undefined;

/** Decodes pictures and makes a JPEG of the newest. Throws where none can be decoded. Only for a process of its own. */
export function newestAsJpeg({ codec, bytes, ends, ...box }: CodedPictures & PictureSize): Uint8Array {
  const decoder = openDecoder(codec);
  let newest = new Frame();
  let next = new Frame();
  newest.alloc();
  next.alloc();
  let count = 0;
  const drain = () => {
    while (decoder.receiveFrameSync(next) >= 0) {
      count++;
      [newest, next] = [next, newest];
    }
  };
  try {
    let start = 0;
    for (const [i, end] of ends.entries()) {
      packet.data = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
      packet.pts = BigInt(i);
      packet.dts = BigInt(i);
      // A picture that is damaged is passed over: the last of a few is as good.
      decoder.sendPacketSync(packet);
      packet.unref();
      drain();
      start = end;
    }
    decoder.sendPacketSync(null);
    drain();
    if (count === 0) throw new Error('no picture was decoded');
    return write(newest, box);
  } finally {
    newest.free();
    next.free();
    decoder.freeContext();
  }
}

/** A new one each time: nothing of one camera's pictures comes into another's. */
function openDecoder(codec: CodedPictures['codec']): CodecContext {
  const found = Codec.findDecoder(decoders[codec]);
  if (found === null) throw new Error(`node-av has no decoder for ${codec}`);
  const decoder = new CodecContext();
  decoder.allocContext3(found);
  decoder.threadCount = 1;
  check(decoder.open2Sync(found), 'open the decoder');
  return decoder;
}

function write(picture: Frame, box: PictureSize): Uint8Array {
  const { width, height } = boxed(picture, box);
  if (writer === undefined || !writer.fits(picture, width, height)) {
    writer?.close();
    writer = undefined;
    writer = new JpegWriter(picture, width, height);
  }
  return writer.write(picture);
}

/** Scales pictures of one size and format and writes them as JPEG. */
class JpegWriter {
  readonly #key: string;
  readonly #scaler = new SoftwareScaleContext();
  readonly #encoder = new CodecContext();
  readonly #scaled = new Frame();
  readonly #packet = new Packet();
  #pts = 0n;

  constructor(picture: Frame, width: number, height: number) {
    this.#key = keyOf(picture, width, height);
    // JPEG has the full range of levels (JFIF), video mostly has not: also what keeps its size is converted.
    const format = AV_PIX_FMT_YUVJ420P;
    const from = [picture.width, picture.height, picture.format as typeof format] as const;
    this.#scaler.getContext(...from, width, height, format, SWS_BICUBIC);
    this.#scaled.alloc();
    Object.assign(this.#scaled, { width, height, format, quality });
    check(this.#scaled.getBuffer(0), 'get memory for a picture');
    const codec = Codec.findEncoder(AV_CODEC_ID_MJPEG)!;
    this.#encoder.allocContext3(codec);
    Object.assign(this.#encoder, { width, height, pixelFormat: format, colorRange: AVCOL_RANGE_JPEG, threadCount: 1 });
    this.#encoder.timeBase = new Rational(1, 25);
    this.#encoder.setFlags(AV_CODEC_FLAG_QSCALE);
    this.#encoder.globalQuality = quality;
    check(this.#encoder.open2Sync(codec), 'open the encoder');
    this.#packet.alloc();
  }

  fits(picture: Frame, width: number, height: number): boolean {
    return keyOf(picture, width, height) === this.#key;
  }

  write(picture: Frame): Uint8Array {
    check(this.#scaled.makeWritable(), 'get memory for a picture');
    check(this.#scaler.scaleFrameSync(this.#scaled, picture), 'scale');
    this.#scaled.pts = this.#pts++;
    check(this.#encoder.sendFrameSync(this.#scaled), 'encode');
    check(this.#encoder.receivePacketSync(this.#packet), 'encode');
    const jpeg = Uint8Array.from(this.#packet.data!);
    this.#packet.unref();
    return jpeg;
  }

  close(): void {
    this.#packet.free();
    this.#scaled.free();
    this.#encoder.freeContext();
    this.#scaler.freeContext();
  }
}

function keyOf({ width, height, format }: Frame, toWidth: number, toHeight: number): string {
  return `${width}x${height} ${format} ${toWidth}x${toHeight}`;
}

/** The largest size within the box that is asked for, in the picture's proportions; even, as chroma is. */
function boxed(picture: Frame, box: PictureSize): { width: number; height: number } {
  const { width, height } = picture;
  if (box.width === undefined && box.height === undefined) return { width, height };
  const scale = Math.min((box.width ?? Infinity) / width, (box.height ?? Infinity) / height);
  const even = (pixels: number) => Math.max(2, Math.floor((pixels * scale + 0.001) / 2) * 2);
  return { width: even(width), height: even(height) };
}

function check(code: number, what: string): void {
  if (code < 0) throw new Error(`node-av could not ${what} (${code})`);
}
