import { WatchpostError } from '@watchpost/base/errors.ts';
import { authorityOf } from '@watchpost/base/source-url.ts';
import { RtspClient } from '@watchpost/media/rtsp/client.ts';
import type { SdpTrack } from '@watchpost/media/sdp/tracks.ts';
import type { Connection, Platform } from '../platform/platform.ts';

/** A track of a camera, as the server is told. */
export interface FoundTrack {
  readonly kind: string;
  readonly codec: string;
  readonly width?: number;
  readonly height?: number;
}

/** What a DESCRIBE found. */
export interface Description {
  readonly tracks: readonly FoundTrack[];
}

/** An RTSP address to ask. */
export interface RtspAddress {
  readonly host: string;
  readonly port: number;
  /** With query. */
  readonly path: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

const answerTimeoutMs = 5000;

/** `rtsp://HOST:PORT/PATH`, without credentials. */
export function rtspUrl({ host, port, path }: RtspAddress): string {
  return `rtsp://${authorityOf(host, port)}${path}`;
}

/** Asks an RTSP address what it plays (OPTIONS, DESCRIBE). Throws `WatchpostError`: what it refused, and why. */
export function describeCamera(platform: Platform, address: RtspAddress, signal?: AbortSignal): Promise<Description> {
  return new Promise((resolve, reject) => {
    let connection: Connection | undefined;
    let tracks: readonly SdpTrack[] | undefined;
    const client = new RtspClient(
      {
        url: rtspUrl(address),
        userAgent: 'watchpost-agent',
        describeOnly: true,
        answerTimeoutMs,
        ...(address.username !== undefined && {
          credentials: { username: address.username, password: address.password ?? '' },
        }),
      },
      {
        send: (bytes) => void connection?.write(bytes),
        onTracks: (found) => {
          tracks = found;
        },
        onPlaying: () => {},
        onInterleaved: () => {},
        connect: () => settle(elsewhere()),
        onEnd: (error) => settle(error),
      },
    );
    const timer = platform.clock.after(answerTimeoutMs * 2, () => settle(noAnswer(address)));
    const settle = (error?: WatchpostError) => {
      timer();
      connection?.destroy();
      if (tracks) resolve({ tracks: tracks.map(toFoundTrack) });
      else reject(error ?? noAnswer(address));
    };
    platform
      .dial(
        { host: address.host, port: address.port, timeoutMs: answerTimeoutMs, ...(signal && { signal }) },
        {
          onData: (bytes) => client.receive(bytes, 0, bytes.length),
          onClose: (cause) => client.closed(cause),
        },
      )
      .then((opened) => {
        connection = opened;
        client.start();
      }, settle);
  });
}

function toFoundTrack({ track }: SdpTrack): FoundTrack {
  return {
    kind: track.kind,
    codec: track.codec,
    ...(track.width !== undefined && { width: track.width }),
    ...(track.height !== undefined && { height: track.height }),
  };
}

function noAnswer({ host, port }: RtspAddress): WatchpostError {
  return new WatchpostError(`${host}:${port} does not answer as RTSP`, { kind: 'timeout', code: 'AGENT_NO_RTSP' });
}

function elsewhere(): WatchpostError {
  return new WatchpostError('the camera redirects to another address', { kind: 'unsupported', code: 'AGENT_REDIRECT' });
}
