import { createSocket, type Socket } from 'node:dgram';
import net from 'node:net';
import { ManualClock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseRtpPacket, writeRtpHeader } from '@watchpost/media/rtp/packet.ts';
import { parseRtcp } from '@watchpost/media/rtp/rtcp.ts';
import { headerOf, parseRtspMessage, type RtspResponse, writeRtspRequest } from '@watchpost/media/rtsp/message.ts';
import type { RtpPacket, Track } from '@watchpost/media/types.ts';
import type { RecordedSource } from '../../../catalog/recorded-source.ts';
import type { Stream } from '../../../hub/stream.ts';
import { StreamHub } from '../../../hub/stream-hub.ts';
import { TestGrant } from '../../../hub/test-grant.ts';
import type { AccessRequest, Grant, ListenContext, Publisher, StreamDefinition } from '../../../hub/types.ts';
import { RtspListener } from './listener.ts';
import type { PlayerCounts } from './player.ts';
import type { ServerLimits } from './server-parts.ts';
import type { RtspSettings } from './settings.ts';

/** H.264, 1280x720, with parameter sets as x264 writes them. */
export const picture: Track = {
  id: 0,
  kind: 'video',
  codec: 'h264',
  clockRate: 90_000,
  parameterSets: [
    Uint8Array.from(atob('Z2QAKKzZQFAFuwEQAAADABAAAAMDIPGDGWA='), (c) => c.charCodeAt(0)),
    Uint8Array.from(atob('aOvjyyLA'), (c) => c.charCodeAt(0)),
  ],
};

/** G.711 A-law. */
export const sound: Track = {
  ...{ id: 1, kind: 'audio', codec: 'pcma', clockRate: 8000, sampleRate: 8000, channels: 1 },
  parameterSets: [],
};

/** An RTP packet as a camera sends it, with a header of its own choice. */
export function cameraPacket(
  payload: Uint8Array,
  header: { sequence: number; timestamp: number; marker?: boolean },
): RtpPacket {
  const bytes = new Uint8Array(12 + payload.length);
  writeRtpHeader(bytes, 0, { payloadType: 77, marker: true, ssrc: 0xbad, ...header });
  bytes.set(payload, 12);
  return parseRtpPacket(bytes, 0, bytes.length);
}

/** A NAL unit of a key picture or another one, of a size. */
export function nalUnit(key: boolean, bytes: number, fill = 1): Uint8Array {
  const unit = new Uint8Array(bytes).fill(fill);
  unit[0] = key ? 0x65 : 0x41;
  // first_mb_in_slice is 0: it begins a picture (H.264 §7.3.3).
  unit[1] = 0x88;
  return unit;
}

/** Plays a camera into a stream: a picture every 40 ms of the bench's clock, a key picture every 25. */
export class TestCamera {
  readonly publisher: Publisher;
  readonly #clock: ManualClock;
  #frame = 0;
  #sequence = 1000;

  constructor(stream: Stream, clock: ManualClock, tracks: readonly Track[] = [picture]) {
    this.publisher = stream.publish(tracks.map((track) => ({ track, format: { 'packetization-mode': '1' } })));
    this.#clock = clock;
  }

  /** So many pictures of so many bytes. */
  play(count: number, bytes = 500): void {
    for (let i = 0; i < count; i++) {
      const key = this.#frame % 25 === 0;
      const header = { sequence: this.#sequence++ & 0xffff, timestamp: (this.#frame++ * 3600) >>> 0 };
      this.publisher.writeRtp(0, cameraPacket(nalUnit(key, bytes, this.#frame & 127), header), 0);
      this.publisher.flush();
      this.#clock.advance(40);
    }
  }
}

/** What a publisher announces: one track of H.264. */
export const sdp =
  'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n' +
  'm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:streamid=0\r\n';

/** A listener on a free port of loopback, whose time stands still. */
export class ServerBench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly hub: StreamHub;
  readonly counts: PlayerCounts = { players: 0, playersTotal: 0, bytesSent: 0, stuckPlayers: 0 };
  /** What the configuration says now. */
  settings: Omit<RtspSettings, 'bind'> = { portRange: { first: 0, last: 0 } };
  readonly asked: AccessRequest[] = [];
  /** What all are given. */
  readonly grant = new TestGrant();
  /** What access control says; everybody is let in if it is missing. */
  refuse: ((request: AccessRequest) => WatchpostError | undefined) | undefined;
  port = 0;
  listener!: RtspListener;
  readonly #clients: TestClient[] = [];

  private constructor() {
    this.hub = new StreamHub({
      ...{ clock: this.clock, logger: silentLogger, reconnectDelayMs: 1000 },
      protocolFor: () => undefined,
      pull: async () => {},
    });
  }

  /** Starts one. */
  static async open(
    options: {
      limits?: ServerLimits;
      range?: [number, number];
      host?: string;
      settings?: Partial<RtspSettings>;
      recordings?: RecordedSource;
    } = {},
  ) {
    const bench = new ServerBench();
    const [first, last] = options.range ?? [21_000, 22_999];
    bench.settings = { portRange: { first, last }, ...options.settings };
    const bind = { host: options.host ?? '127.0.0.1', port: 0 };
    const context = {
      ...{ clock: bench.clock, logger: silentLogger, section: {}, signal: new AbortController().signal },
      access: { authorize: (request: AccessRequest) => bench.#authorize(request) },
    } as unknown as ListenContext;
    bench.listener = new RtspListener(bench.hub, context, {
      settings: () => bench.settings,
      serverName: 'test',
      counts: bench.counts,
      ...(options.recordings && { recordings: options.recordings }),
      ...(options.limits && { limits: options.limits }),
    });
    ({ port: bench.port } = await bench.listener.listen(bind));
    return bench;
  }

  /** Defines a stream without a source. */
  define(id: string, more: Partial<StreamDefinition> = {}): Promise<Stream> {
    return this.hub.define({
      ...{ id, title: id, protocol: 'rtsp', sources: [], record: false, onDemand: false, stopped: false },
      origin: 'api',
      ...more,
    });
  }

  /** A stream that is online, with its camera. */
  async online(id: string, tracks?: readonly Track[]): Promise<TestCamera> {
    const camera = new TestCamera(await this.define(id), this.clock, tracks);
    camera.play(3);
    return camera;
  }

  async connect(): Promise<TestClient> {
    const client = await TestClient.connect(this.port);
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.socket.destroy();
    await this.listener[Symbol.asyncDispose]();
    await this.hub[Symbol.asyncDispose]();
  }

  async #authorize(request: AccessRequest): Promise<Grant> {
    this.asked.push(request);
    const refusal = this.refuse?.(request);
    if (refusal) throw refusal;
    return this.grant;
  }
}

/** One connection that speaks RTSP by hand. */
export class TestClient {
  readonly socket: net.Socket;
  readonly url: string;
  readonly frames: { channel: number; bytes: Buffer }[] = [];
  readonly #responses: RtspResponse[] = [];
  readonly #write: (bytes: Uint8Array) => void;
  #bytes: Buffer = Buffer.alloc(0);
  #cseq = 0;
  closed = false;

  /** `write`: where requests go, if not to the socket. */
  constructor(socket: net.Socket, port: number, write?: (bytes: Uint8Array) => void) {
    this.socket = socket;
    this.#write = write ?? ((bytes) => void socket.write(bytes));
    this.url = `rtsp://127.0.0.1:${port}/live/gate`;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
  }

  static connect(port: number): Promise<TestClient> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(new TestClient(socket, port)));
      socket.once('error', reject);
    });
  }

  send(method: string, more: { url?: string; headers?: Record<string, string>; body?: string } = {}): void {
    const headers = [['CSeq', String(++this.#cseq)], ...Object.entries(more.headers ?? {})] as [string, string][];
    const body = new TextEncoder().encode(more.body ?? '');
    this.#write(writeRtspRequest({ method, url: more.url ?? this.url, headers, body }));
  }

  /** Sends a request and waits for its answer. */
  async ask(
    method: string,
    more: { url?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<RtspResponse> {
    const before = this.#responses.length;
    this.send(method, more);
    await until(() => this.#responses.length > before || this.closed);
    const response = this.#responses[before];
    if (!response) throw new Error(`no answer to ${method}`);
    return response;
  }

  /** DESCRIBE, SETUP of the first track, PLAY; all must be fine. */
  async play(transport = 'RTP/AVP/TCP;unicast;interleaved=0-1'): Promise<RtspResponse> {
    await this.expect(200, 'DESCRIBE');
    await this.expect(200, 'SETUP', { url: `${this.url}/trackID=0`, headers: { Transport: transport } });
    return this.expect(200, 'PLAY');
  }

  async expect(
    status: number,
    method: string,
    more: { url?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<RtspResponse> {
    const response = await this.ask(method, more);
    if (response.status !== status) throw new Error(`${method}: ${response.status} ${response.reason}, not ${status}`);
    return response;
  }

  #receive(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length < 4) return;
      if (bytes[0] === 0x24) {
        const end = 4 + bytes.readUInt16BE(2);
        if (bytes.length < end) return;
        this.frames.push({ channel: bytes[1]!, bytes: bytes.subarray(4, end) });
        this.#bytes = bytes.subarray(end);
        continue;
      }
      const parsed = parseRtspMessage(bytes, 0, bytes.length);
      if (typeof parsed === 'number') return;
      if (parsed.response) this.#responses.push(parsed.response);
      this.#bytes = bytes.subarray(parsed.end);
    }
  }
}

/** Resolves once it is so; real time, for sockets. */
export async function until(isSo: () => boolean, withinMs = 3000): Promise<void> {
  for (const end = performance.now() + withinMs; !isSo(); await new Promise((resolve) => setTimeout(resolve, 2)))
    if (performance.now() > end) throw new Error(`it did not become so: ${isSo}`);
}

/** A socket of loopback, and what came to it. */
export type UdpSocket = Socket & { readonly got: Buffer[] };

/** Opens one. */
export function udpSocket(): Promise<UdpSocket> {
  return new Promise((resolve) => {
    const got: Buffer[] = [];
    const socket = Object.assign(createSocket('udp4'), { got });
    socket.on('message', (packet) => got.push(packet));
    socket.bind(0, '127.0.0.1', () => resolve(socket));
  });
}

/** A client that plays over UDP, with the headers of its session; RTP and RTCP come to one socket. */
export async function playOverUdp(bench: ServerBench) {
  const socket = await udpSocket();
  const client = await bench.connect();
  const { port } = socket.address();
  const play = await client.play(`RTP/AVP;unicast;client_port=${port}-${port}`);
  return { socket, client, headers: { Session: headerOf(play, 'Session')!.split(';')[0]! } };
}

/** Whether it is a report with which its sender says goodbye. */
export function isBye(packet: Buffer): boolean {
  return packet.readUInt8(1) === 200 && parseRtcp(packet).at(-1)?.type === 'bye';
}
