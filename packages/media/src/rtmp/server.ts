import { WatchpostError } from '@watchpost/base/errors.ts';
import { malformed } from '../codec/malformed.ts';
import type { AmfValue } from '../container/flv/amf0.ts';
import { readAmf3 } from '../container/flv/amf3.ts';
import { mediaStreamId, userControl } from './codes.ts';
import { isObject, type RtmpCommand, type RtmpStatus, textOf } from './command.ts';
import { type LinkHandler, RtmpLink } from './link.ts';
import { playRefusal, publishRefusal } from './refusal-status.ts';
import { type RtmpServerAction, type RtmpServerState, serverRule } from './server-states.ts';
import type { RtmpClientInfo, RtmpServerHandler, RtmpServerOptions } from './server-types.ts';
import { parseRtmpTarget, type RtmpTarget } from './target.ts';

/** FourCCs that may be published and are played (enhanced RTMP, "Enhancing NetConnection connect Command"). */
const fourCcs: readonly string[] = ['avc1', 'hvc1', 'av01', 'vp08', 'vp09', 'mp4a', 'Opus', 'fLaC', '.mp3'];
/** Input that waits for an answer. */
const maxWaiting = 2048;
const maxWaitingBytes = 16 * 1024 * 1024;
const maxTextLength = 4096;

type Waiting =
  | { readonly command: RtmpCommand; readonly streamId: number }
  | { readonly type: number; readonly timestampMs: number; readonly body: Uint8Array };

/** One client of ours, from handshake to end (RTMP 1.0 §7.2): no socket, no time. It publishes or plays one stream at a time. */
export class RtmpServer implements LinkHandler {
  readonly #handler: RtmpServerHandler;
  readonly #link: RtmpLink;
  #state: RtmpServerState = 'handshake';
  #app = '';
  #tcUrl = '';
  #client: RtmpClientInfo = { version: '', fourCcs: [] };
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Counts requests, so that an answer that comes too late is known. */
  #request = 0;

  constructor(options: RtmpServerOptions, handler: RtmpServerHandler) {
    this.#handler = handler;
    this.#link = new RtmpLink(this, {
      isServer: true,
      chunkSize: options.chunkSize,
      readAmf3,
      ...(options.allocate && { allocate: options.allocate }),
    });
  }

  get state(): RtmpServerState {
    return this.#state;
  }

  /** What the client said of itself; empty before `connect`. */
  get client(): RtmpClientInfo {
    return this.#client;
  }

  /** Takes `bytes[start…end)`. Throws `malformed` or `resource_exhausted`: the connection is of no use then. */
  receive(bytes: Uint8Array, start: number, end: number): void {
    this.#link.receive(bytes, start, end);
  }

  /** Once a second. */
  tick(): void {
    this.#link.tick();
  }

  /** Asks the client for a sign of life (§7.1.7). */
  ping(nowMs: number): void {
    if (this.#link.isOpen) this.#link.sendUserControl(userControl.pingRequest, nowMs % 0x1_0000_0000);
  }

  /** Tells a client why what it does has ended. */
  end(reason: WatchpostError): void {
    if (this.#state === 'playing') {
      this.#link.sendUserControl(userControl.streamEnd, mediaStreamId);
      this.#status({ level: 'status', code: 'NetStream.Play.UnpublishNotify', description: reason.message });
    } else if (this.#state === 'publishing') {
      this.#status({ level: 'error', code: 'NetStream.Unpublish.Success', description: reason.message });
    }
  }

  send(bytes: Uint8Array): void {
    this.#handler.send(bytes);
  }

  onOpen(): void {
    this.#state = 'connecting';
  }

  onCommand(command: RtmpCommand, streamId: number): void {
    if (this.#state === 'asking') this.#wait({ command, streamId }, 0);
    else this.#act(serverRule(this.#state, command.name).action, command);
  }

  onMedia(type: number, timestampMs: number, body: Uint8Array): void {
    if (this.#state === 'publishing') this.#handler.onMedia(type, timestampMs, body);
    // Some cameras do not wait for the answer to "publish".
    else if (this.#state === 'asking') this.#wait({ type, timestampMs, body }, body.length);
  }

  #act(action: RtmpServerAction, command: RtmpCommand): void {
    const { transaction } = command;
    switch (action) {
      case 'connect':
        this.#connect(command);
        break;
      case 'createStream':
        this.#result(transaction, [null, mediaStreamId]);
        break;
      case 'publish':
      case 'play':
        this.#ask(action, command);
        break;
      case 'pause':
        this.#pause(command);
        break;
      case 'stop':
        this.#stop(command);
        break;
      case 'prepare':
      case 'unprepare':
        this.#prepare(command);
        break;
      case 'length':
      case 'bandwidth':
        // A live stream has no length.
        this.#result(transaction, [null, 0]);
        break;
      case 'seek':
        this.#status({ level: 'error', code: 'NetStream.Seek.Failed', description: 'This is live.' });
        break;
      case 'busy':
        this.#status(alreadyBusy);
        break;
      case 'unknown':
        this.#fail(transaction, {
          ...callFailed,
          description: `There is no "${command.name.slice(0, 64)}" here.`,
        });
        break;
      case 'early':
        throw malformed('RTMP_NO_CONNECT', 'An RTMP client that does not begin with "connect".');
      case 'ignore':
    }
  }

  #connect({ transaction, object }: RtmpCommand): void {
    this.#app = textOf(object, 'app').slice(0, maxTextLength);
    this.#tcUrl = textOf(object, 'tcUrl').slice(0, maxTextLength);
    const listed = isObject(object) && Array.isArray(object['fourCcList']) ? object['fourCcList'] : [];
    this.#client = {
      version: textOf(object, 'flashVer').slice(0, 100),
      fourCcs: listed.filter((one: AmfValue) => typeof one === 'string').slice(0, 64),
    };
    this.#state = 'idle';
    this.#link.sendLimits();
    const encoding = isObject(object) && object['objectEncoding'] === 3 ? 3 : 0;
    this.#result(transaction, [
      { fmsVer: 'FMS/3,0,1,123', capabilities: 31 },
      {
        ...{ level: 'status', code: 'NetConnection.Connect.Success', description: 'Connection succeeded.' },
        objectEncoding: encoding,
        ...(listed.length > 0 && { fourCcList: fourCcs }),
      },
    ]);
  }

  #ask(action: 'publish' | 'play', command: RtmpCommand): void {
    const name = command.args[0];
    const target = parseRtmpTarget(
      this.#app,
      this.#tcUrl,
      typeof name === 'string' ? name.slice(0, maxTextLength) : '',
    );
    const request = ++this.#request;
    this.#state = 'asking';
    const answer = (refusal?: WatchpostError) => {
      if (this.#state !== 'asking' || request !== this.#request) return;
      if (refusal !== undefined) this.#refuse(action, target, refusal);
      else if (action === 'publish') this.#publishing(target);
      else this.#playing(target, command);
      this.#goOn();
    };
    if (action === 'publish') {
      this.#link.expectMedia();
      this.#handler.onPublish(target, answer);
    } else this.#handler.onPlay(target, answer);
  }

  #publishing(target: RtmpTarget): void {
    this.#state = 'publishing';
    this.#link.sendUserControl(userControl.streamBegin, mediaStreamId);
    this.#status({
      level: 'status',
      code: 'NetStream.Publish.Start',
      description: `${target.name} is being published.`,
    });
  }

  #playing(target: RtmpTarget, { args }: RtmpCommand): void {
    this.#state = 'playing';
    this.#link.sendUserControl(userControl.streamBegin, mediaStreamId);
    // "reset" is on where it is missing (§7.2.2.1).
    if (args[3] !== false && args[3] !== 0) {
      this.#status({ level: 'status', code: 'NetStream.Play.Reset', description: `${target.name} begins anew.` });
    }
    this.#status({ level: 'status', code: 'NetStream.Play.Start', description: `${target.name} is being played.` });
    this.#handler.onPlaying();
  }

  #refuse(action: 'publish' | 'play', target: RtmpTarget, refusal: WatchpostError): void {
    this.#state = 'idle';
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#status(action === 'publish' ? publishRefusal(refusal) : playRefusal(refusal, target.name));
    this.#handler.onRefused();
  }

  #pause({ args }: RtmpCommand): void {
    const paused = args[0] !== false;
    const code = paused ? 'NetStream.Pause.Notify' : 'NetStream.Unpause.Notify';
    this.#status({ level: 'status', code, description: paused ? 'Paused.' : 'Goes on.' });
    this.#handler.onPause(paused);
  }

  #stop({ name }: RtmpCommand): void {
    const before = this.#state;
    if (before !== 'publishing' && before !== 'playing') return;
    this.#state = 'idle';
    const code = before === 'publishing' ? 'NetStream.Unpublish.Success' : 'NetStream.Play.Stop';
    if (name === 'closeStream') this.#status({ level: 'status', code, description: 'Stopped.' });
    this.#handler.onStop();
  }

  /** What Flash encoders ask before and after: answered as they are used to. */
  #prepare({ name, transaction, args }: RtmpCommand): void {
    this.#result(transaction, [null, undefined]);
    const codes: Readonly<Record<string, string>> = {
      FCPublish: 'NetStream.Publish.Start',
      FCUnpublish: 'NetStream.Unpublish.Success',
      FCSubscribe: 'NetStream.Play.Start',
      FCUnsubscribe: 'NetStream.Play.Stop',
    };
    const code = codes[name];
    if (code === undefined) return;
    const description = typeof args[0] === 'string' ? args[0].slice(0, 100) : '';
    this.#link.sendCommand(`on${name}`, 0, { values: [null, { level: 'status', code, description }] });
  }

  #wait(entry: Waiting, bytes: number): void {
    this.#waitingBytes += bytes;
    if (this.#waiting.length >= maxWaiting || this.#waitingBytes > maxWaitingBytes) {
      throw new WatchpostError('Too much came before the answer to "publish"', {
        kind: 'resource_exhausted',
        code: 'RTMP_TOO_EAGER',
      });
    }
    this.#waiting.push(entry);
  }

  /** Takes what came while an answer was waited for, up to the next question. */
  #goOn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const entry of waiting) {
      if ('command' in entry) this.onCommand(entry.command, entry.streamId);
      else this.onMedia(entry.type, entry.timestampMs, entry.body);
    }
  }

  #result(transaction: number, values: readonly AmfValue[]): void {
    if (transaction !== 0) this.#link.sendCommand('_result', transaction, { values });
  }

  #fail(transaction: number, status: RtmpStatus): void {
    if (transaction !== 0) this.#link.sendCommand('_error', transaction, { values: [null, { ...status }] });
  }

  #status(status: RtmpStatus): void {
    this.#link.sendCommand('onStatus', 0, { values: [null, { ...status }], streamId: mediaStreamId });
  }
}

const callFailed = { level: 'error', code: 'NetConnection.Call.Failed' } as const;
const alreadyBusy: RtmpStatus = {
  level: 'error',
  code: 'NetStream.Failed',
  description: 'This connection already publishes or plays a stream; use another one.',
};
