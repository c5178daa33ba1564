import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SdpSession } from '../sdp/sdp.ts';
import { writeSdp } from '../sdp/write.ts';
import { randomHex } from './digest.ts';
import { RtspFramer } from './framing.ts';
import { headerOf, type RtspHeaders, type RtspRequest, sessionOf, writeRtspResponse } from './message.ts';
import { writeRtpInfo } from './rtp-info.ts';
import { type RtspServerAuth, ServerLogin } from './server-auth.ts';
import { type ServerMethod, type ServerState, serverTable } from './server-states.ts';
import { parseServerTarget, type ServerTarget } from './server-target.ts';
import { parseTransport, writeTransport } from './transport.ts';

/** What an `RtspServer` is made of. */
export interface RtspServerOptions {
  /** Value of the `Server` header. */
  readonly serverName: string;
  readonly auth?: RtspServerAuth;
  /** Told to clients is 5 s less: Windows Media Foundation sends its keep-alive when the time is up. 60 000 by default. */
  readonly sessionTimeoutMs?: number;
  /** Ends sessions that stay silent for longer; otherwise an interleaved session lasts as long as its connection. */
  readonly enforceTimeout?: boolean;
}

/** What a path holds. Track N has `a=control:trackID=N`. */
export interface ServedDescription {
  readonly sdp: SdpSession;
  readonly trackCount: number;
}

/** Why a path cannot be played: an RTSP status that is not 2xx, 301 and 302 with a `Location`. */
export interface ServedRefusal {
  readonly status: number;
  readonly reason: string;
  readonly location?: string;
}

/** A track that a client has set up. */
export interface ServedTrack {
  readonly trackIndex: number;
  readonly rtpChannel: number;
  readonly rtcpChannel: number;
}

/** First packet that a track will send. */
export interface ServedPosition {
  readonly trackIndex: number;
  readonly sequence: number;
  readonly rtpTime: number;
}

/** What an `RtspServer` calls. */
export interface RtspServerHandler {
  send(bytes: Uint8Array): void;
  /** Asks for what a path holds; `answer` is called once, now or later. Requests that follow wait until then. */
  onDescribe(target: ServerTarget, answer: (result: ServedDescription | ServedRefusal) => void): void;
  /** The positions for `RTP-Info`, only of tracks that have sent something; packets flow after `onPlay`. */
  positions(tracks: readonly ServedTrack[]): readonly ServedPosition[];
  /** The answer to PLAY is sent: packets may follow. */
  onPlay(tracks: readonly ServedTrack[], target: ServerTarget): void;
  onPause(): void;
  /** A packet from the client (RTCP as a rule), `chunk[start…end)`. */
  onInterleaved(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void;
  /** Over: close the connection once what was sent is out. */
  onEnd(error?: WatchpostError): void;
}

const methods: readonly string[] = Object.keys(serverTable.init);
const publicMethods = 'OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN';
const maxWaiting = 32;
const maxLoginFailures = 3;
const maxTracks = 16;

/** The server's side of one RTSP connection without I/O (RFC 2326). `SPEC.md` has its rules. */
export class RtspServer {
  readonly #options: RtspServerOptions;
  readonly #handler: RtspServerHandler;
  readonly #framer: RtspFramer;
  readonly #login: ServerLogin | undefined;
  readonly #session = randomHex(8);
  #state: ServerState = 'init';
  #tracks: ServedTrack[] = [];
  #urls: string[] = [];
  #target: ServerTarget | undefined;
  #described: { path: string; query: string; description: ServedDescription } | undefined;
  #waiting: RtspRequest[] = [];
  #busy = false;
  #heard = false;
  #silentSinceMs: number | undefined;

  constructor(options: RtspServerOptions, handler: RtspServerHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#login = options.auth ? new ServerLogin(options.auth) : undefined;
    this.#framer = new RtspFramer({
      onInterleaved: (channel, chunk, start, end) => this.#onInterleaved(channel, chunk, start, end),
      onRequest: (request) => this.#onRequest(request),
      onResponse: () => {},
      onGarbage: () => {},
    });
  }

  get state(): ServerState {
    return this.#state;
  }

  /** User that the client proved to be, where login is asked for. */
  get username(): string | undefined {
    return this.#login?.username;
  }

  /** Takes `chunk[start…end)` from the connection; the caller may overwrite it afterwards. */
  receive(chunk: Uint8Array, start: number, end: number): void {
    this.#heard = true;
    try {
      this.#framer.receive(chunk, start, end);
    } catch (thrown) {
      if (!(thrown instanceof WatchpostError)) throw thrown;
      this.#end(thrown);
    }
  }

  /** Tells the time, monotonic, every second or so. */
  tick(nowMs: number): void {
    if (this.#heard || this.#silentSinceMs === undefined) this.#silentSinceMs = nowMs;
    this.#heard = false;
    const timeoutMs = this.#options.sessionTimeoutMs ?? 60_000;
    if (this.#options.enforceTimeout && this.#tracks.length > 0 && nowMs - this.#silentSinceMs >= timeoutMs)
      this.#end(
        new WatchpostError('the client sent no keep-alive within the session timeout', {
          kind: 'timeout',
          code: 'RTSP_SESSION_TIMEOUT',
          context: { timeoutMs },
        }),
      );
  }

  #onInterleaved(channel: number, chunk: Uint8Array, start: number, end: number): void {
    for (const track of this.#tracks) {
      if (channel === track.rtpChannel || channel === track.rtcpChannel) {
        this.#handler.onInterleaved(track.trackIndex, channel === track.rtcpChannel, chunk, start, end);
        return;
      }
    }
  }

  #onRequest(request: RtspRequest): undefined {
    if (this.#busy) {
      this.#waiting.push(request);
      if (this.#waiting.length > maxWaiting) this.#end();
      return;
    }
    const method = (methods.includes(request.method) ? request.method : 'OTHER') as ServerMethod;
    const { action } = serverTable[this.#state][method];
    if (action === 'ignore') return;
    if (action === 'options') return this.#reply(request, 200, { headers: [['Public', publicMethods]] });
    if (action === 'notImplemented') return this.#reply(request, 501);
    if (this.#login && !this.#login.check(request)) {
      this.#reply(request, 401, { headers: this.#login.challenges() });
      // Guessing costs a connection for every few words.
      if (this.#login.failures >= maxLoginFailures) this.#end();
      return;
    }
    const session = sessionOf(request)?.id;
    if (session !== undefined && session !== this.#session) return this.#reply(request, 454);
    if (action === 'notAllowed') return this.#reply(request, 405, { headers: [['Allow', publicMethods]] });
    if (action === 'invalidState') return this.#reply(request, 455, { headers: [['Allow', publicMethods]] });
    if (action === 'alive') return this.#reply(request, 200);
    if (action === 'describe') return this.#describe(request);
    if (action === 'setup') return this.#setup(request);
    if (action === 'play') return this.#play(request);
    if (action === 'playAgain') return this.#reply(request, 200);
    if (action === 'pause') {
      if (this.#state === 'playing') this.#handler.onPause();
      this.#state = 'ready';
      return this.#reply(request, 200);
    }
    this.#reply(request, 200);
    this.#end();
  }

  #describe(request: RtspRequest): undefined {
    this.#withDescription(request, (description, target) => {
      const accept = headerOf(request, 'Accept');
      if (accept !== undefined && !/application\/(sdp|\*)|\*\/\*/i.test(accept)) return this.#reply(request, 406);
      const base = target.url.replace(/\/*$/, '/');
      const body = new TextEncoder().encode(writeSdp(description.sdp));
      const headers = [['Content-Base', base] as const, ['Content-Type', 'application/sdp'] as const];
      this.#reply(request, 200, { headers, body });
    });
  }

  #setup(request: RtspRequest): undefined {
    const specs = parseTransport(headerOf(request, 'Transport') ?? '');
    const spec = specs.find((s) => s.lower === 'tcp' && !s.secure && s.mode !== 'record' && s.mode !== 'receive');
    if (!spec) return this.#reply(request, 461);
    this.#withDescription(request, (description, target) => {
      const trackIndex = target.trackIndex ?? (description.trackCount === 1 ? 0 : undefined);
      if (trackIndex === undefined) return this.#reply(request, 460);
      if (trackIndex >= description.trackCount || this.#tracks.length >= maxTracks) return this.#reply(request, 404);
      if (this.#target && this.#target.path !== target.path) return this.#reply(request, 459);
      if (this.#tracks.some((track) => track.trackIndex === trackIndex)) return this.#reply(request, 455);
      const [rtpChannel, rtcpChannel] = this.#freeChannels(spec.interleaved);
      this.#tracks.push({ trackIndex, rtpChannel, rtcpChannel });
      this.#urls[trackIndex] = target.url;
      this.#target = target;
      this.#state = 'ready';
      this.#framer.setChannel(rtpChannel, 'rtp');
      this.#framer.setChannel(rtcpChannel, 'rtcp');
      const transport = writeTransport({
        profile: 'RTP/AVP/TCP',
        lower: 'tcp',
        secure: false,
        multicast: false,
        interleaved: [rtpChannel, rtcpChannel],
      });
      this.#reply(request, 200, { headers: [['Transport', transport]] });
    });
  }

  #play(request: RtspRequest): undefined {
    const positions = this.#handler.positions(this.#tracks);
    const info = positions.map(({ trackIndex, sequence, rtpTime }) => ({
      url: this.#urls[trackIndex] ?? '',
      sequence,
      rtpTime,
    }));
    this.#state = 'playing';
    const headers: (readonly [string, string])[] = [['Range', 'npt=0.000-']];
    if (info.length > 0) headers.push(['RTP-Info', writeRtpInfo(info)]);
    this.#reply(request, 200, { headers });
    this.#handler.onPlay(this.#tracks, this.#target!);
  }

  /** The channels asked for, or others where those are taken (RFC 2326 §12.39 leaves the choice to the server). */
  #freeChannels(asked: readonly [number, number] | undefined): readonly [number, number] {
    const isFree = (channel: number) =>
      this.#tracks.every((track) => track.rtpChannel !== channel && track.rtcpChannel !== channel);
    if (asked && asked[0] !== asked[1] && isFree(asked[0]) && isFree(asked[1])) return asked;
    let channel = 0;
    while (!isFree(channel) || !isFree(channel + 1)) channel += 2;
    return [channel, channel + 1];
  }

  #withDescription(
    request: RtspRequest,
    use: (description: ServedDescription, target: ServerTarget) => void,
  ): undefined {
    const target = parseServerTarget(request.url);
    if (!target) return this.#reply(request, 404);
    const known = this.#described;
    if (request.method === 'SETUP' && known?.path === target.path && known.query === target.query) {
      use(known.description, target);
      return;
    }
    this.#busy = true;
    let answered = false;
    this.#handler.onDescribe(target, (result) => {
      if (answered || this.#state === 'ended') return;
      answered = true;
      this.#busy = false;
      if ('status' in result) {
        const headers = result.location === undefined ? [] : ([['Location', result.location]] as const);
        this.#reply(request, result.status, { headers, reason: result.reason });
      } else {
        this.#described = { path: target.path, query: target.query, description: result };
        use(result, target);
      }
      while (!this.#busy && this.#waiting.length > 0) this.#onRequest(this.#waiting.shift()!);
    });
  }

  #reply(
    request: RtspRequest,
    status: number,
    more: { headers?: RtspHeaders; body?: Uint8Array; reason?: string } = {},
  ): undefined {
    const headers: (readonly [string, string])[] = [];
    const cseq = headerOf(request, 'CSeq');
    if (cseq !== undefined) headers.push(['CSeq', cseq]);
    headers.push(['Server', this.#options.serverName], ...(more.headers ?? []));
    if (this.#tracks.length > 0 && request.method !== 'TEARDOWN') {
      const timeoutMs = this.#options.sessionTimeoutMs ?? 60_000;
      const seconds = Math.max(1, Math.floor((timeoutMs > 10_000 ? timeoutMs - 5000 : timeoutMs) / 1000));
      headers.push(['Session', `${this.#session};timeout=${seconds}`]);
    }
    this.#handler.send(
      writeRtspResponse({
        status,
        reason: more.reason ?? reasons[status] ?? 'Unknown',
        headers,
        ...(more.body ? { body: more.body } : {}),
      }),
    );
  }

  #end(error?: WatchpostError): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#framer.close();
    this.#waiting = [];
    this.#handler.onEnd(error);
  }
}

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  454: 'Session Not Found',
  455: 'Method Not Valid in This State',
  459: 'Aggregate Operation Not Allowed',
  460: 'Only Aggregate Operation Allowed',
  461: 'Unsupported Transport',
  501: 'Not Implemented',
};
