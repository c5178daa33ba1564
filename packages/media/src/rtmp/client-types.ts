import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { ReadAmf3 } from '../container/flv/amf0.ts';

/** How an `RtmpClient` works. */
export interface RtmpClientOptions {
  /** `rtmp://HOST/APP/NAME`, without credentials. */
  readonly url: string;
  readonly mode: 'play' | 'publish';
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Bytes of the chunks that it sends. */
  readonly chunkSize: number;
  /** How we name ourselves where we publish. */
  readonly version: string;
  /** Memory for messages. */
  readonly allocate?: (bytes: number) => Uint8Array;
  /** For servers that answer in AMF3 though it is not asked for; without it such an answer is refused. */
  readonly readAmf3?: ReadAmf3;
}

/** What an `RtmpClient` asks and tells. */
export interface RtmpClientHandler {
  send(bytes: Uint8Array): void;
  /** The server lets us play, or publish on a message stream. */
  onActive(streamId: number): void;
  /** Audio, video or data of a stream that is played. */
  onMedia(type: number, timestampMs: number, body: Uint8Array): void;
  /** A new connection is needed: to another address, or once more to the same with a login. `start` follows. */
  connect(url: string): void;
  /** It is over. */
  onEnd(error: WatchpostError): void;
}
