import net from 'node:net';
import { authorityOf } from '@watchpost/base/source-url.ts';
import type { DigestAlgorithm } from '@watchpost/media/rtsp/digest.ts';
import { headerOf } from '@watchpost/media/rtsp/message.ts';
import {
  RtspServer,
  type RtspServerHandler,
  type RtspServerOptions,
  type ServedDescription,
  type ServedRefusal,
  type ServedTrack,
  type SetupAnswer,
  type SetupRequest,
} from '@watchpost/media/rtsp/server.ts';
import { backChannelFeature, type HeardPacket, Loudspeaker } from './back-channel.ts';
import { CameraStream, type StreamSession } from './camera-stream.ts';
import type { Clip } from './clip.ts';
import type { CameraFaults, TimestampFault } from './faults.ts';
import { GroupSender } from './group-sender.ts';
import { loadClip } from './load-clip.ts';
import { UdpSender } from './udp-sender.ts';

/** Login that a virtual camera asks for. */
export interface CameraAuth {
  readonly username: string;
  readonly password: string;
  /** In the order of the challenges; `['MD5']` by default. FFmpeg, GStreamer and VLC know `basic` and `MD5`. */
  readonly methods?: readonly ('basic' | DigestAlgorithm)[];
}

/** What a virtual camera is made of. */
export interface RtspCameraOptions {
  /** 18554 by default; 0 for any free one. */
  readonly port?: number;
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** Which clip each path plays; `defaultPaths` by default. */
  readonly clips?: Readonly<Record<string, string>>;
  readonly auth?: CameraAuth;
  readonly faults?: CameraFaults;
}

/** A virtual camera that runs. */
export interface RtspCamera extends AsyncDisposable {
  readonly port: number;
  /** For each path without its slash: the address, without credentials. */
  readonly urls: Readonly<Record<string, string>>;
  readonly faults: CameraFaults;
  /** Viewers now. */
  readonly sessionCount: number;
  /** Connections since it was started, those that it refused by a fault included. */
  readonly connectionCount: number;
  /** What somebody spoke through its back channel, oldest first. */
  readonly heard: readonly HeardPacket[];
  /** Where a path (without its slash) is in its clip now, ms; 25 of the numbered pictures a second. */
  positionMs(path: string): number;
  /** Adds to the faults or, with `undefined` or false, takes them away. */
  setFaults(faults: CameraFaults): Promise<void>;
  /** One wrong step of the timestamps of all paths. */
  shiftTimestamps(fault: TimestampFault): void;
  close(): Promise<void>;
}

/** Paths of a virtual camera and the clip of each. */
export const defaultPaths: Readonly<Record<string, string>> = {
  main: 'clock-h264-aac',
  sub: 'sub-h264',
  h265: 'clock-h265-pcma',
  h265sub: 'sub-h264',
};

const tickMs = 10;

/** Starts a virtual RTSP camera. Rejects where the port cannot be had. */
export async function startRtspCamera(options: RtspCameraOptions = {}): Promise<RtspCamera> {
  const paths = options.clips ?? defaultPaths;
  const clips = new Map<string, Clip>();
  for (const name of new Set(Object.values(paths).concat('sub-h264'))) clips.set(name, await loadClip(name));
  const streams = new Map<string, CameraStream>();
  for (const [path, clip] of Object.entries(paths))
    streams.set(`/${path}`, new CameraStream(path, clips.get(clip)!, clips));
  const camera = new Camera(options, streams);
  await camera.listen(options.port ?? 18554);
  return camera;
}

class Camera implements RtspCamera {
  readonly #options: RtspCameraOptions;
  readonly #streams: ReadonlyMap<string, CameraStream>;
  readonly #sockets = new Map<net.Socket, RtspServer>();
  readonly #loudspeaker = new Loudspeaker();
  readonly #groups = new Map<CameraStream, Promise<GroupSender>>();
  readonly #timer: NodeJS.Timeout;
  #listener: net.Server | undefined;
  #secondAtMs = 0;
  faults: CameraFaults;
  port = 0;
  connectionCount = 0;

  constructor(options: RtspCameraOptions, streams: ReadonlyMap<string, CameraStream>) {
    this.#options = options;
    this.#streams = streams;
    this.faults = options.faults ?? {};
    for (const stream of streams.values()) stream.faults = this.faults;
    this.#timer = setInterval(() => this.#tick(performance.now()), tickMs);
  }

  get urls(): Readonly<Record<string, string>> {
    const authority = authorityOf(this.#options.host ?? '127.0.0.1', this.port);
    return Object.fromEntries([...this.#streams.keys()].map((p) => [p.slice(1), `rtsp://${authority}${p}`]));
  }

  get sessionCount(): number {
    let count = 0;
    for (const stream of this.#streams.values()) count += stream.sessionCount;
    return count;
  }

  get heard(): readonly HeardPacket[] {
    return this.#loudspeaker.heard;
  }

  positionMs(path: string): number {
    return this.#streams.get(`/${path}`)!.positionMs(performance.now());
  }

  async listen(port: number): Promise<void> {
    const listener = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      listener.once('error', (error) => {
        clearInterval(this.#timer);
        reject(error);
      });
      listener.listen(port, this.#options.host ?? '127.0.0.1', 4096, resolve);
    });
    this.port = (listener.address() as net.AddressInfo).port;
    this.#listener = listener;
  }

  async setFaults(faults: CameraFaults): Promise<void> {
    const before = this.faults;
    this.faults = { ...before, ...faults };
    for (const stream of this.#streams.values()) stream.faults = this.faults;
    if (this.faults.vanish && !before.vanish) await this.#closeAll();
    if (!this.faults.vanish && before.vanish) await this.listen(this.port);
  }

  shiftTimestamps(fault: TimestampFault): void {
    for (const stream of this.#streams.values()) stream.shiftTimestamps(fault);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const group of this.#groups.values()) (await group.catch(() => undefined))?.close();
    await this.#closeAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #closeAll(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    const closed = new Promise<void>((resolve) => (listener ? listener.close(() => resolve()) : resolve()));
    for (const socket of this.#sockets.keys()) {
      // A reset while the end is being written leaves a handle behind that keeps the process from ending (Node 24).
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
    await closed;
  }

  #tick(nowMs: number): void {
    const wallMs = Date.now();
    for (const stream of this.#streams.values()) stream.advance(nowMs, wallMs);
    if (nowMs < this.#secondAtMs) return;
    this.#secondAtMs = nowMs + 500;
    for (const server of this.#sockets.values()) server.tick(nowMs);
  }

  #serverOptions(): RtspServerOptions {
    const { auth } = this.#options;
    const { sessionTimeoutMs } = this.faults;
    const login = auth && {
      realm: 'Watchpost simulator',
      methods: auth.methods ?? (['MD5'] as const),
      credentialsOf: (username: string) => (username === auth.username ? auth : undefined),
    };
    return {
      serverName: 'Watchpost simulator',
      multicast: true,
      features: [backChannelFeature],
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs, enforceTimeout: true }),
      ...(login ? { auth: login } : {}),
    };
  }

  #accept(socket: net.Socket): void {
    this.connectionCount += 1;
    if (this.faults.vanish) {
      socket.resetAndDestroy();
      return;
    }
    const viewer: Viewer = { socket, udp: new Map(), speaks: false, isInGroup: false };
    const server = new RtspServer(this.#serverOptions(), this.#handlerOf(viewer));
    this.#sockets.set(socket, server);
    socket.on('data', (chunk: Buffer) => server.receive(chunk, 0, chunk.length));
    socket.on('error', () => {});
    socket.on('close', () => {
      close(viewer);
      this.#sockets.delete(socket);
    });
  }

  #handlerOf(viewer: Viewer): RtspServerHandler {
    const { socket } = viewer;
    return {
      send: (bytes) => socket.write(bytes),
      onRequest: (request) => {
        if (request.method === 'DESCRIBE') viewer.speaks = headerOf(request, 'Require') === backChannelFeature;
      },
      onDescribe: (target, answer) => answer(this.#describe(viewer, target.path)),
      onSetup: (setup, answer) =>
        void this.#setUp(setup, viewer)
          .catch(() => ({ status: 500, reason: 'No Ports' }))
          .then(answer),
      // None: a viewer begins at the next key picture, and nobody knows its sequence number yet.
      positions: () => [],
      onPlay: (tracks) => this.#play(viewer, tracks),
      onPause: () => leave(viewer),
      onInterleaved: (trackIndex, isRtcp, chunk, start, end) => {
        if (!isRtcp && trackIndex === viewer.stream?.trackCount) this.#loudspeaker.receive(chunk, start, end);
      },
      onEnd: () => {
        close(viewer);
        socket.end();
      },
    };
  }

  #describe(viewer: Viewer, path: string): ServedDescription | ServedRefusal {
    const location = this.faults.redirectOnce;
    if (location !== undefined) {
      const { redirectOnce: _, ...others } = this.faults;
      this.faults = others;
      return { status: 302, reason: 'Found', location };
    }
    const stream = this.#streams.get(path);
    viewer.stream = stream;
    if (!stream) return { status: 404, reason: 'Not Found' };
    const described = { sdp: stream.describe(), trackCount: stream.trackCount };
    return viewer.speaks ? this.#loudspeaker.describe(described, this.faults.backChannel) : described;
  }

  #play(viewer: Viewer, all: readonly ServedTrack[]): void {
    const { socket, stream, udp } = viewer;
    const tracks = all.filter(({ trackIndex }) => trackIndex < (stream?.trackCount ?? 0));
    if (tracks.length === 0) return;
    if (viewer.group) {
      viewer.group.enter();
      viewer.isInGroup = true;
      return;
    }
    viewer.session = udp.size > 0 ? openUdpSession(tracks, udp) : openSession(socket, tracks);
    if (udp.size === 0 || this.faults.udp !== 'silent') stream?.add(viewer.session);
  }

  #groupOf(stream: CameraStream): Promise<GroupSender> {
    const known = this.#groups.get(stream);
    if (known) return known;
    const number = this.#groups.size;
    // Ports of their own for each camera of a machine, as groups are shared by all of it.
    const place = { number, firstPort: 20_000 + 2 * ((this.port * 16 + number * 8) % 10_000) };
    const group = GroupSender.open(stream, this.#options.host ?? '127.0.0.1', place);
    this.#groups.set(stream, group);
    return group;
  }

  async #setUp({ spec, trackIndex }: SetupRequest, viewer: Viewer): Promise<SetupAnswer | ServedRefusal> {
    if (spec.lower === 'tcp') return {};
    if (spec.multicast) {
      viewer.group ??= await this.#groupOf(viewer.stream!);
      const { address, ttl } = viewer.group;
      return { group: { address, ttl, ports: viewer.group.portsOf(trackIndex) } };
    }
    if (this.faults.udp === 'refused') return { status: 461, reason: 'Unsupported Transport' };
    const { socket, udp } = viewer;
    const sender = await UdpSender.open({
      localAddress: socket.localAddress ?? '127.0.0.1',
      address: socket.remoteAddress ?? '127.0.0.1',
      ports: spec.clientPort!,
      waitsForPunch: this.faults.udp === 'behind-nat',
    });
    if (socket.destroyed) sender.close();
    udp.set(trackIndex, sender);
    return { serverPort: sender.ports };
  }
}

/** One connection, and what its viewer has asked for. */
interface Viewer {
  readonly socket: net.Socket;
  readonly udp: Map<number, UdpSender>;
  session?: StreamSession | undefined;
  stream?: CameraStream | undefined;
  group?: GroupSender;
  isInGroup: boolean;
  /** Asked for the back channel, too. */
  speaks: boolean;
}

function leave(viewer: Viewer): void {
  if (viewer.session) viewer.stream?.remove(viewer.session);
  viewer.session = undefined;
  if (viewer.isInGroup) viewer.group?.leave();
  viewer.isInGroup = false;
}

function close(viewer: Viewer): void {
  leave(viewer);
  for (const sender of viewer.udp.values()) sender.close();
}

/** A session over UDP: takes the interleaved frames apart that all sessions share. Faults of a connection are not for it. */
function openUdpSession(tracks: readonly ServedTrack[], udp: ReadonlyMap<number, UdpSender>): StreamSession {
  const shown = tracks.map((track) => ({
    ...track,
    rtpChannel: 2 * track.trackIndex,
    rtcpChannel: 2 * track.trackIndex + 1,
  }));
  return {
    tracks: shown,
    waitsForKey: true,
    pendingBytes: () => 0,
    write: (bytes) => {
      for (let at = 0; at + 4 <= bytes.length && bytes[at] === 0x24; ) {
        const channel = bytes[at + 1]!;
        const end = at + 4 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
        udp.get(channel >> 1)?.send((channel & 1) === 1, bytes, at + 4, end);
        at = end;
      }
    },
  };
}

function openSession(socket: net.Socket, tracks: readonly ServedTrack[]): StreamSession {
  return {
    tracks: [...tracks],
    waitsForKey: true,
    pendingBytes: () => socket.writableLength,
    write: (bytes) => {
      if (socket.writable) socket.write(bytes);
    },
  };
}
