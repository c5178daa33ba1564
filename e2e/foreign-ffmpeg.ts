/**
 * FFmpeg 8 (the library in node-av), which reads and writes more of enhanced RTMP and of RTP than Debian's FFmpeg 5.1 does:
 *
 *   node e2e/foreign-ffmpeg.ts play URL COUNT [udp]    decodes so many pictures and the sound beside them; prints JSON (`Played`)
 *   node e2e/foreign-ffmpeg.ts listen URL COUNT        the same with what somebody sends to this RTMP address
 *   node e2e/foreign-ffmpeg.ts publish FILE URL [udp]  sends a file as it is, in real time: as FLV, or over RTSP
 */
import { readFrameNumber } from '@watchpost/simulator/frame-number.ts';
import {
  AV_LOG_ERROR,
  AV_LOG_WARNING,
  AV_NOPTS_VALUE,
  AVERROR_EOF,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  FF_COMPLIANCE_EXPERIMENTAL,
} from 'node-av/constants';
import { Codec, CodecContext, Dictionary, FFmpegError, FormatContext, Frame, Log, Packet } from 'node-av/lib';
import { wait } from './harness.ts';

/** What was decoded of one stream. */
export interface PlayedStream {
  /** As FFmpeg calls it: `hevc`, `opus`. */
  readonly codec: string;
  /** Presentation time of each frame, ms; over RTP FFmpeg has none for the first picture of some codecs. */
  readonly timesMs: (number | null)[];
  /** Of pictures with a frame number. */
  readonly numbers: (number | null)[];
}

/** What `play` prints. */
export interface Played {
  readonly video?: PlayedStream;
  readonly audio?: PlayedStream;
}

interface Lane {
  readonly decoder: CodecContext;
  readonly isVideo: boolean;
  readonly perTickMs: number;
  readonly played: PlayedStream;
}

function openLanes(input: FormatContext): Lane[] {
  return input.streams.map((stream) => {
    const { codecpar, timeBase } = stream;
    const { codecType } = codecpar;
    if (codecType !== AVMEDIA_TYPE_VIDEO && codecType !== AVMEDIA_TYPE_AUDIO)
      throw new Error(`a stream that is neither picture nor sound: ${codecType}`);
    const codec = Codec.findDecoder(codecpar.codecId);
    if (codec === null) throw new Error(`there is no decoder for codec ${codecpar.codecId}`);
    const decoder = new CodecContext();
    decoder.allocContext3(codec);
    check(decoder.parametersToContext(codecpar), 'take the parameters');
    decoder.threadCount = 1;
    check(decoder.open2Sync(codec), 'open the decoder');
    const isVideo = codecType === AVMEDIA_TYPE_VIDEO;
    const perTickMs = (timeBase.num * 1000) / timeBase.den;
    return { decoder, isVideo, perTickMs, played: { codec: codec.name ?? '', timesMs: [], numbers: [] } };
  });
}

/** Takes what a decoder has ready. */
function drain({ decoder, isVideo, perTickMs, played }: Lane, frame: Frame): void {
  while (decoder.receiveFrameSync(frame) === 0) {
    const { bestEffortTimestamp: ticks } = frame;
    played.timesMs.push(ticks === AV_NOPTS_VALUE ? null : Number(ticks) * perTickMs);
    if (isVideo) played.numbers.push(numberOf(frame));
    frame.unref();
  }
}

function numberOf(frame: Frame): number | null {
  const luma = frame.data?.[0];
  const stride = frame.linesize[0]!;
  if (luma === undefined) return null;
  const { width, height } = frame;
  const packed = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) packed.set(luma.subarray(y * stride, y * stride + width), y * width);
  return readFrameNumber(packed, width, height) ?? null;
}

async function play(url: string, count: number, options: Record<string, string> = {}): Promise<Played> {
  const input = new FormatContext();
  check(await input.openInput(url, null, Dictionary.fromObject(options)), 'open it');
  check(await input.findStreamInfo(), 'find its streams');
  const lanes = openLanes(input);
  const packet = new Packet();
  packet.alloc();
  const frame = new Frame();
  frame.alloc();
  const video = lanes.find(({ isVideo }) => isVideo);
  const audio = lanes.find(({ isVideo }) => !isVideo);
  const counted = (video ?? audio)!.played;
  while (counted.timesMs.length < count) {
    const read = await input.readFrame(packet);
    if (read === AVERROR_EOF) break;
    check(read, 'read');
    const lane = lanes[packet.streamIndex]!;
    check(lane.decoder.sendPacketSync(packet), `decode ${lane.played.codec}`);
    packet.unref();
    drain(lane, frame);
  }
  return { ...(video && { video: video.played }), ...(audio && { audio: audio.played }) };
}

async function publish(file: string, url: string, transport: string): Promise<void> {
  const input = new FormatContext();
  check(await input.openInput(file), 'open the file');
  check(await input.findStreamInfo(), 'find its streams');
  const output = new FormatContext();
  const isRtsp = url.startsWith('rtsp:');
  check(output.allocOutputContext2(null, isRtsp ? 'rtsp' : 'flv', url), 'write');
  // AV1 over RTP is experimental.
  output.strictStdCompliance = FF_COMPLIANCE_EXPERIMENTAL;
  for (const stream of input.streams) {
    const { codecpar } = output.newStream();
    check(stream.codecpar.copy(codecpar), 'copy the parameters');
    codecpar.codecTag = 0;
  }
  if (!isRtsp) check(await output.openOutput(), 'connect');
  const options = isRtsp ? { rtsp_transport: transport } : {};
  check(await output.writeHeader(Dictionary.fromObject(options)), 'write the header');
  const packet = new Packet();
  packet.alloc();
  const startMs = performance.now();
  while ((await input.readFrame(packet)) === 0) {
    const { streamIndex } = packet;
    const from = input.streams[streamIndex]!.timeBase;
    const dueMs = (Number(packet.dts) * from.num * 1000) / from.den;
    await wait(Math.max(0, startMs + dueMs - performance.now()));
    packet.rescaleTs(from, output.streams[streamIndex]!.timeBase);
    check(await output.interleavedWriteFrame(packet), 'send');
    if (!isRtsp) await output.flush();
  }
  check(await output.writeTrailer(), 'end');
}

function check(code: number, what: string): void {
  if (code < 0) throw new Error(`cannot ${what}: ${new FFmpegError(code).message}`);
}

const [task, from = '', to = '', transport = 'tcp'] = process.argv.slice(2);
// A live FLV has no length to be written at its end, which FFmpeg warns of.
Log.setLevel(task === 'publish' ? AV_LOG_ERROR : AV_LOG_WARNING);
if (task === 'publish') await publish(from, to, transport);
else {
  const listening = task === 'listen' ? { listen: '1', timeout: '20' } : {};
  const played = await play(from, Number(to), from.startsWith('rtsp:') ? { rtsp_transport: transport } : listening);
  process.stdout.write(JSON.stringify(played), () => process.exit(0));
}
