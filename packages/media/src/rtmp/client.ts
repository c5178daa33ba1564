import { toHex } from '@watchpost/base/bytes.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { AmfValue } from '../container/flv/amf0.ts';
import { parseRtmpAddress, type RtmpAddress } from './address.ts';
import { adobeProofQuery, adobeUserQuery, readAdobeAsk } from './adobe-auth.ts';
import { connectionRefused, playRefused, publishRefused, streamEnded, tooManyRedirects } from './client-errors.ts';
import type { RtmpClientHandler, RtmpClientOptions } from './client-types.ts';
import { messageType } from './codes.ts';
import { isObject, type RtmpCommand, textOf } from './command.ts';
import { type LinkHandler, RtmpLink } from './link.ts';

/** Where an `RtmpClient` is. */
export type RtmpClientState = 'idle' | 'handshake' | 'connecting' | 'creating' | 'starting' | 'active' | 'ended';

const transactions = { connect: 1, releaseStream: 2, fcPublish: 3, createStream: 4, start: 5 } as const;
const maxConnections = 6;
/** Flash's; servers choose by it what they send. */
const playerVersion = 'LNX 9,0,124,2';
/** How much a server may send ahead, ms. */
const bufferMs = 3000;
const fourCcs = ['avc1', 'hvc1', 'av01', 'vp08', 'vp09', 'mp4a', 'Opus', 'fLaC', '.mp3'];
/** What Flash said it could decode; servers of old ask for it. */
const codecFlags = { capabilities: 15, audioCodecs: 4071, videoCodecs: 252, videoFunction: 1 };

/** Plays from or publishes to another server (RTMP 1.0 §7.2): no socket, no time. */
export class RtmpClient implements LinkHandler {
  readonly #options: RtmpClientOptions;
  readonly #handler: RtmpClientHandler;
  #address: RtmpAddress;
  #url: string;
  /** Of a login that the server asked for. */
  #loginQuery = '';
  #link: RtmpLink;
  #state: RtmpClientState = 'idle';
  #connections = 0;
  #streamId = 1;

  /** Throws `invalid_argument` (`RTMP_ADDRESS`). */
  constructor(options: RtmpClientOptions, handler: RtmpClientHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#url = options.url;
    this.#address = parseRtmpAddress(options.url);
    this.#link = this.#makeLink();
  }

  get state(): RtmpClientState {
    return this.#state;
  }

  /** A connection is there. */
  start(): void {
    this.#connections++;
    this.#state = 'handshake';
    this.#link = this.#makeLink();
    this.#link.start();
  }

  /** Takes `bytes[start…end)`. Throws `malformed`: the connection is of no use then. */
  receive(bytes: Uint8Array, start: number, end: number): void {
    this.#link.receive(bytes, start, end);
  }

  /** Says goodbye. */
  stop(): void {
    if (this.#state === 'active' || this.#state === 'starting') {
      if (this.#options.mode === 'publish') this.#command('FCUnpublish', 0, [null, this.#address.name]);
      this.#command('deleteStream', 0, [null, this.#streamId]);
    }
    this.#state = 'ended';
  }

  send(bytes: Uint8Array): void {
    this.#handler.send(bytes);
  }

  onOpen(): void {
    this.#state = 'connecting';
    const { app, tcUrl } = this.#address;
    const query = this.#loginQuery === '' ? '' : `?${this.#loginQuery}`;
    const isPublish = this.#options.mode === 'publish';
    this.#link.sendChunkSize();
    this.#command('connect', transactions.connect, [
      {
        app: app + query,
        ...(isPublish && { type: 'nonprivate' }),
        flashVer: isPublish ? `FMLE/3.0 (compatible; ${this.#options.version})` : playerVersion,
        tcUrl: tcUrl + query,
        ...(!isPublish && { fpad: false, ...codecFlags }),
        fourCcList: fourCcs,
      },
    ]);
  }

  onMedia(type: number, timestampMs: number, body: Uint8Array): void {
    if (this.#state === 'ended' || this.#options.mode === 'publish') return;
    // Some servers send before they say that they will.
    if (this.#state === 'starting' && type !== messageType.data) this.#activate();
    if (this.#state === 'active') this.#handler.onMedia(type, timestampMs, body);
  }

  onStreamEnd(): void {
    if (this.#state === 'active' && this.#options.mode === 'play')
      this.#end(streamEnded('The server ended the stream'));
  }

  onCommand(command: RtmpCommand): void {
    if (this.#state === 'ended') return;
    const { name, transaction } = command;
    if (name === '_result') this.#onResult(transaction, command.args);
    else if (name === '_error') this.#onError(transaction, command.args[0]);
    else if (name === 'onStatus') this.#onStatus(command.args[0]);
    else if (name === 'close') this.#end(streamEnded('The server closed the stream'));
    // A server that measures the way to us wants an answer (Wowza).
    else if (name === '_onbwcheck') this.#command('_result', transaction, [null, 0]);
    else if (name === 'onBWDone') this.#command('_checkbw', 0, [null]);
  }

  #makeLink(): RtmpLink {
    const link = new RtmpLink(this, { ...this.#options, isServer: false });
    if (this.#options.mode === 'play') link.expectMedia();
    return link;
  }

  #onResult(transaction: number, args: readonly AmfValue[]): void {
    if (transaction === transactions.connect && this.#state === 'connecting') this.#create();
    else if (transaction === transactions.createStream && this.#state === 'creating') {
      if (typeof args[0] === 'number') this.#streamId = args[0];
      this.#begin();
    }
  }

  #create(): void {
    this.#state = 'creating';
    const { name } = this.#address;
    if (this.#options.mode === 'publish') {
      this.#command('releaseStream', transactions.releaseStream, [null, name]);
      this.#command('FCPublish', transactions.fcPublish, [null, name]);
    }
    this.#command('createStream', transactions.createStream, [null]);
  }

  #begin(): void {
    this.#state = 'starting';
    const { name } = this.#address;
    const streamId = this.#streamId;
    if (this.#options.mode === 'publish') {
      this.#link.sendCommand('publish', transactions.start, { values: [null, name, 'live'], streamId });
      return;
    }
    // -2: live, or what is recorded under the name (§7.2.2.1); players do so, and every server knows it.
    this.#link.sendCommand('play', transactions.start, { values: [null, name, -2000], streamId });
    this.#link.sendBufferLength(streamId, bufferMs);
  }

  #onError(transaction: number, info: AmfValue): void {
    if (transaction === transactions.connect) this.#onRefused(info);
    else if (transaction === transactions.createStream) this.#end(connectionRefused(textOf(info, 'description')));
    else if (transaction === transactions.start) this.#onFailed(info);
  }

  /** §7.2.1.1, and what servers made of it: a redirect (`ex`), or a login. */
  #onRefused(info: AmfValue): void {
    const description = textOf(info, 'description');
    const details = isObject(info) ? (info['ex'] ?? info['ex.redirect']) : undefined;
    const redirect = typeof details === 'string' ? details : textOf(details, 'redirect');
    if (redirect !== '') {
      this.#redirect(redirect);
      return;
    }
    const { credentials } = this.#options;
    const asked = credentials === undefined ? undefined : readAdobeAsk(description);
    if (credentials === undefined || asked === undefined) {
      this.#end(connectionRefused(description));
      return;
    }
    const ours = toHex(crypto.getRandomValues(new Uint8Array(4)));
    this.#loginQuery =
      asked.ask === 'user' ? adobeUserQuery(credentials.username) : adobeProofQuery(credentials, asked, ours);
    this.#again(this.#url);
  }

  #redirect(target: string): void {
    const { name } = this.#address;
    const isSecure = this.#url.startsWith('rtmps:');
    const isRtmp = /^rtmps?:\/\//.test(target) && (!isSecure || target.startsWith('rtmps:'));
    if (!isRtmp) {
      this.#end(connectionRefused(`it redirects to ${target.slice(0, 100)}`));
      return;
    }
    // The address of an application, or of the stream.
    const bare = target.replace(/\/+$/, '');
    const isStream = bare.split('/').length > 4;
    this.#url = isStream ? bare : `${bare}/${name}`;
    this.#address = parseRtmpAddress(this.#url);
    this.#again(this.#url);
  }

  #again(url: string): void {
    if (this.#connections >= maxConnections) {
      this.#end(tooManyRedirects());
      return;
    }
    this.#state = 'idle';
    this.#handler.connect(url);
  }

  #onStatus(info: AmfValue): void {
    const code = textOf(info, 'code');
    const isError = textOf(info, 'level') === 'error';
    if (code === 'NetStream.Publish.Start' || code === 'NetStream.Play.Start') this.#activate();
    else if (isError || /\.(Failed|StreamNotFound|BadName|Denied|Rejected)$/.test(code)) this.#onFailed(info);
    else if (code === 'NetStream.Play.Stop' || code === 'NetStream.Play.UnpublishNotify') {
      this.#end(streamEnded(textOf(info, 'description') || 'The server ended the stream'));
    } else if (code === 'NetConnection.Connect.Rejected') this.#onRefused(info);
  }

  #activate(): void {
    if (this.#state !== 'starting') return;
    this.#state = 'active';
    this.#handler.onActive(this.#streamId);
  }

  #onFailed(info: AmfValue): void {
    const code = textOf(info, 'code');
    const description = textOf(info, 'description');
    if (this.#options.mode === 'play') this.#end(playRefused({ code, description }));
    else this.#end(publishRefused({ code, description: this.#withoutKey(description) }));
  }

  /** Servers repeat the name of a stream, which is a password where it is published. */
  #withoutKey(text: string): string {
    const { name } = this.#address;
    return text.replaceAll(name, '***').replaceAll(name.replace(/\?.*/, ''), '***');
  }

  #end(error: WatchpostError): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#handler.onEnd(error);
  }

  #command(name: string, transaction: number, values: readonly AmfValue[]): void {
    this.#link.sendCommand(name, transaction, { values });
  }
}
