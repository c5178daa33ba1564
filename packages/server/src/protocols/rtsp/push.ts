import type { Socket } from 'node:net';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import { RtspAnnouncer } from '@watchpost/media/rtsp/announcer.ts';
import type { Stream } from '../../hub/stream.ts';
import type { PushContext } from '../../hub/types.ts';
import { endSocket, openSocket } from './camera-socket.ts';
import { maxTcpPacketBytes } from './server/play-session.ts';
import type { PlayerCounts } from './server/player.ts';
import type { RtpOutputs } from './server/rtp-output.ts';
import { describeStream, playedTracks } from './server/served-tracks.ts';
import { TcpPlayer } from './server/tcp-player.ts';
import { readSource } from './source-options.ts';

const tickEveryMs = 1000;

/** What pushes share. */
export interface PushParts {
  readonly userAgent: string;
  /** Those of our own players: the packets are made once for all. */
  readonly outputs: RtpOutputs;
}

/**
 * Sends a stream to another RTSP server until the signal aborts: over TCP, or over TLS for `rtsps`. Rejects with the
 * reason; `STREAM_CHANGED` where the target must be told of other codecs.
 */
export async function pushRtsp(
  stream: Stream,
  target: SourceUrl,
  parts: PushParts & { context: PushContext },
): Promise<void> {
  const session = new PushSession(stream, target, parts);
  await session.run();
}

class PushSession {
  readonly #stream: Stream;
  readonly #target: SourceUrl;
  readonly #parts: PushParts & { context: PushContext };
  readonly #counts: PlayerCounts = { players: 0, playersTotal: 0, bytesSent: 0, stuckPlayers: 0 };
  #toldBytes = 0;
  #socket: Socket | undefined;
  #player: TcpPlayer | undefined;
  #cancelTick: (() => void) | undefined;
  #settle: (error: WatchpostError | undefined) => void = () => {};

  constructor(stream: Stream, target: SourceUrl, parts: PushParts & { context: PushContext }) {
    this.#stream = stream;
    this.#target = target;
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { context, userAgent } = this.#parts;
    const { signal } = context;
    const tracks = playedTracks(this.#stream.tracks);
    if (tracks.length === 0)
      throw new WatchpostError('RTSP carries none of its tracks', { kind: 'unsupported', code: 'CODEC_UNSUPPORTED' });
    const { username, password = '' } = this.#target;
    const credentials = username === undefined ? {} : { credentials: { username, password } };
    const address = readSource(this.#target);
    const sdp = describeStream(tracks, this.#stream.definition.title);
    const announcer = new RtspAnnouncer(
      { url: address.url, userAgent, sdp, ...credentials },
      {
        send: (bytes) => void (this.#socket?.writable && this.#socket.write(bytes)),
        onRecording: () => this.#play(),
        onEnd: (error) => this.#settle(error),
      },
    );
    const ended = new Promise<WatchpostError | undefined>((resolve) => {
      this.#settle = resolve;
    });
    const path = address.url.replace(/^[a-z]+:\/\/[^/?]*/, '') || '/';
    const where = { ...address, path, userAgent };
    const socket = await openSocket(where, context, (bytes, buffer) => announcer.receive(buffer, 0, bytes));
    this.#socket = socket;
    const onAbort = () => announcer.teardown();
    try {
      socket.on('error', () => {});
      socket.on('close', () => this.#settle(closed()));
      socket.on('end', () => socket.destroy());
      signal.addEventListener('abort', onAbort, { once: true });
      announcer.start();
      this.#tick(announcer);
      if (signal.aborted) onAbort();
      const failure = await ended;
      if (signal.aborted) throw toWatchpostError(signal.reason);
      if (failure !== undefined) throw failure;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#cancelTick?.();
      this.#player?.stop();
      this.#tell();
      endSocket(socket, context);
    }
  }

  #play(): void {
    const { outputs, context } = this.#parts;
    const tracks = playedTracks(this.#stream.tracks).map((_, trackIndex) => ({
      ...{ trackIndex, rtpChannel: 2 * trackIndex, rtcpChannel: 2 * trackIndex + 1 },
      lower: 'tcp' as const,
    }));
    const player = new TcpPlayer(this.#socket!, { counts: this.#counts, onEnd: (reason) => this.#settle(reason) });
    this.#player = player;
    player.open(outputs.get(this.#stream, maxTcpPacketBytes), tracks);
    player.start();
    context.accepted();
  }

  #tick(announcer: RtspAnnouncer): void {
    const { clock } = this.#parts.context;
    this.#cancelTick = clock.after(tickEveryMs, () => this.#tick(announcer));
    announcer.tick(clock.monotonicMs());
    this.#tell();
  }

  #tell(): void {
    const bytes = this.#counts.bytesSent - this.#toldBytes;
    this.#toldBytes += bytes;
    if (bytes > 0) this.#parts.context.sent(bytes);
  }
}

function closed(): WatchpostError {
  return new WatchpostError('the target closed the connection — check whether it restarted or wants another stream', {
    kind: 'unavailable',
    code: 'PUSH_CLOSED',
  });
}
