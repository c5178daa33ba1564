import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { RtmpTarget } from './target.ts';

/** What a client said of itself in `connect`. */
export interface RtmpClientInfo {
  /** `flashVer`: `FMLE/3.0 (compatible; FMSc/1.0)`. */
  readonly version: string;
  /** FourCCs that it can decode or send (enhanced RTMP); `*` for all. */
  readonly fourCcs: readonly string[];
}

/** The answer to a request that may have to wait: nothing for yes. */
export type RtmpAnswer = (refusal?: WatchpostError) => void;

/** What an `RtmpServer` asks and tells. */
export interface RtmpServerHandler {
  send(bytes: Uint8Array): void;
  /** Says yes or no, now or later; later input waits. */
  onPublish(target: RtmpTarget, answer: RtmpAnswer): void;
  onPlay(target: RtmpTarget, answer: RtmpAnswer): void;
  /** The client has been told that it plays: media may be sent on `mediaStreamId`. */
  onPlaying(): void;
  /** True: the player wants nothing for now. */
  onPause(paused: boolean): void;
  /** Audio, video or data of a publisher. */
  onMedia(type: number, timestampMs: number, body: Uint8Array): void;
  /** The client no longer publishes or plays; it may begin again. */
  onStop(): void;
  /** The client was refused, and is to be hung up on once it has read why. */
  onRefused(): void;
}

/** How an `RtmpServer` works. */
export interface RtmpServerOptions {
  /** Bytes of the chunks that it sends. */
  readonly chunkSize: number;
  /** Memory for messages. */
  readonly allocate?: (bytes: number) => Uint8Array;
}
