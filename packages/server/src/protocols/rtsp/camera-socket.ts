import type { Socket } from 'node:net';
import type { ProtocolContext } from '../../hub/types.ts';
import { dialSecure } from '../../net/dial-tls.ts';
import type { RestRounds } from '../../net/rest-rounds.ts';
import type { RtspSource } from './source-options.ts';

/** How long a camera may take to accept our last words. */
const goodbyeMs = 500;

/** A connection with a camera, whatever RTSP is wrapped in. */
export interface CameraConnection {
  /** Our address and the camera's; undefined where a tunnel hides them. */
  readonly localAddress: string | undefined;
  readonly remoteAddress: string | undefined;
  /** Bytes that the camera has not taken yet. */
  readonly unsentBytes: number;
  write(bytes: Uint8Array): void;
  /** It never rests any more: the camera loses what is not taken at once. */
  stopResting(): void;
  /** Reads nothing until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends it once what was written is out, or half a second later. */
  end(): void;
  destroy(): void;
}

/** What a connection calls, once it stands. */
export interface CameraConnectionHandler {
  /** `buffer[0…bytes)` came in; it is overwritten afterwards. */
  onRead(bytes: number, buffer: Uint8Array): void;
  /** How long the connection may rest after a read, ms. Never where it is missing. */
  patienceMs?(): number;
  /** It is over, by whatever end. */
  onClose(cause?: Error): void;
}

/** Where to, and what the ways through HTTP need. */
export interface CameraTarget extends Pick<RtspSource, 'host' | 'port' | 'tls' | 'httpTunnel' | 'fingerprint'> {
  /** Of the RTSP URL. */
  readonly path: string;
  readonly userAgent: string;
  readonly credentials?: { readonly username: string; readonly password: string };
}

/** What of a protocol's context a connection needs. */
export interface ConnectionContext extends Pick<ProtocolContext, 'dial' | 'clock' | 'signal'> {
  /** Where connections rest. */
  readonly rounds?: RestRounds | undefined;
}

/** A socket to the camera, with TLS inside where that is asked for. */
export function openSocket(
  target: CameraTarget,
  context: ConnectionContext,
  onRead: (bytes: number, buffer: Uint8Array) => unknown,
): Promise<Socket> {
  return dialSecure(target, context, onRead);
}

/** Ends a socket once what was written is out, to a camera that takes it. */
export function endSocket(socket: Socket, { clock }: Pick<ProtocolContext, 'clock'>): void {
  socket.destroySoon();
  const cancel = clock.after(goodbyeMs, () => socket.destroy());
  socket.once('close', cancel);
}
