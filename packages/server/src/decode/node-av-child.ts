/**
 * A process of its own that decodes pictures with node-av: standard input has them, the first argument says what they
 * are (JSON: `codec`, `count`, `width`, `height`), standard output gets the newest as JPEG.
 */
import { buffer } from 'node:stream/consumers';

interface Frame {
  readonly width: number;
  readonly height: number;
  clone(): Frame | null;
  free(): void;
}

/** What is used of node-av, which is not there when this is checked. */
interface NodeAv {
  readonly Demuxer: {
    open(input: Buffer, options: { format: string }): Promise<{ video(): unknown; packets(index: number): unknown }>;
  };
  readonly Decoder: { create(stream: unknown): Promise<{ frames(packets: unknown): AsyncIterable<Frame | null> }> };
  readonly Scaler: new () => {
    toJpeg(frame: Frame, options: { resize?: { width: number; height: number } }): Promise<Buffer>;
  };
}

const formats: Readonly<Record<string, string>> = { h264: 'h264', h265: 'hevc', mjpeg: 'mjpeg' };
const asked = JSON.parse(process.argv[2] ?? '{}') as { codec: string; width?: number; height?: number };
const packageName = 'node-av/api';
const { Demuxer, Decoder, Scaler } = (await import(packageName)) as NodeAv;

const input = await Demuxer.open(await buffer(process.stdin), { format: formats[asked.codec] ?? asked.codec });
const stream = input.video() as { readonly index: number };
const decoder = await Decoder.create(stream);
let newest: Frame | null = null;
for await (const frame of decoder.frames(input.packets(stream.index))) {
  if (frame === null) continue;
  newest?.free();
  newest = frame.clone();
}
if (newest === null) throw new Error('no picture was decoded');
const resize = boxed(newest, asked);
const jpeg = await new Scaler().toJpeg(newest, resize === undefined ? {} : { resize });
process.stdout.write(jpeg, () => process.exit(0));

/** The size within the box that is asked for, in the picture's proportions; even, as chroma is. */
function boxed(
  picture: Frame,
  box: { width?: number; height?: number },
): { width: number; height: number } | undefined {
  if (box.width === undefined && box.height === undefined) return undefined;
  const scale = Math.min((box.width ?? Infinity) / picture.width, (box.height ?? Infinity) / picture.height);
  const even = (pixels: number) => Math.max(2, Math.round((pixels * scale) / 2) * 2);
  return { width: even(picture.width), height: even(picture.height) };
}
