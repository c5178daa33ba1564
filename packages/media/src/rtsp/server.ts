import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseSdp } from '../sdp/parse.ts';
import type { SdpSession } from '../sdp/sdp.ts';
import { writeSdp } from '../sdp/write.ts';
import { RtspFramer } from './framing.ts';
import { headerOf, type RtspRequest, sessionOf } from './message.ts';
import { ServerLogin } from './server-auth.ts';
import { notRtsp, sessionTimeout, unreadable, unreadableReason } from './server-errors.ts';
import { isSeek, type PlayRequest, parsePlay, playHeaders, playRefusal, unknownFeatures } from './server-play.ts';
import { rtpInfoHeader, type ServerReply, writeServerReply } from './server-reply.ts';
import { RtspServerSession } from './server-session.ts';
import { chooseTransport, deliveryOf, freeChannels, transportAnswer } from './server-setup.ts';
import { type ServerAction, type ServerMethod, type ServerState, serverTable } from './server-states.ts';
import { everything, keepQuery, matchControl, parseServerTarget, type ServerTarget } from './server-target.ts';
import type {
  PlayAnswer,
  RtspServerHandler,
  RtspServerOptions,
  ServedDescription,
  ServedRefusal,
  SetupAnswer,
} from './server-types.ts';
import type { TransportSpec } from './transport.ts';

export type * from './server-types.ts';

const methods: readonly string[] = Object.keys(serverTable.init);
const maxWaiting = 32;
const maxLoginFailures = 3;
const maxTracks = 16;

/** The server's side of one RTSP connection without I/O (RFC 2326). `SPEC.md` has its rules. */
export class RtspServer {
  readonly #options: RtspServerOptions;
  readonly #handler: RtspServerHandler;
  readonly #framer: RtspFramer;
  readonly #login: ServerLogin | undefined;
  readonly #publicMethods: string;
  #session = new RtspServerSession();
  #described: { path: string; query: string; description: ServedDescription } | undefined;
  #waiting: RtspRequest[] = [];
  #busy = false;
  #ended = false;
  #loginFailures = 0;
  #requests = 0;
  #heard = false;
  #silentSinceMs: number | undefined;

  constructor(options: RtspServerOptions, handler: RtspServerHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#login = options.auth ? new ServerLogin(options.auth) : undefined;
    const toPublish = handler.onAnnounce ? 'ANNOUNCE, RECORD, ' : '';
    this.#publicMethods = `OPTIONS, DESCRIBE, ${toPublish}SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN`;
    this.#framer = new RtspFramer({
      onInterleaved: (channel, chunk, start, end) => this.#onInterleaved(channel, chunk, start, end),
      onRequest: (request) => this.#onRequest(request),
      onResponse: () => {},
      onGarbage: () => {},
      onMalformed: (error) => this.#onMalformed(error),
    });
  }

  get state(): ServerState {
    return this.#ended ? 'ended' : this.#session.state;
  }

  /** The session of this connection. */
  get session(): RtspServerSession {
    return this.#session;
  }

  /** User that the client proved to be, where login is asked for. */
  get username(): string | undefined {
    return this.#login?.username;
  }

  /** Fits the memory for packets from the client to their bitrate; call it every second or so. */
  adapt(bytesPerSecond: number): void {
    this.#framer.adapt(bytesPerSecond);
  }

  /** Takes `chunk[start…end)` from the connection; the caller may overwrite it afterwards. */
  receive(chunk: Uint8Array, start: number, end: number): void {
    this.#heard = true;
    try {
      this.#framer.receive(chunk, start, end);
      if (this.#requests === 0 && this.#framer.garbageBytes > 0) this.#onMalformed(notRtsp());
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
    if (this.#options.enforceTimeout && this.#session.tracks.length > 0 && nowMs - this.#silentSinceMs >= timeoutMs)
      this.#end(sessionTimeout(timeoutMs));
  }

  #onInterleaved(channel: number, chunk: Uint8Array, start: number, end: number): void {
    for (const track of this.#session.tracks) {
      if (channel === track.rtpChannel || channel === track.rtcpChannel) {
        this.#handler.onInterleaved(track.trackIndex, channel === track.rtcpChannel, chunk, start, end);
        return;
      }
    }
  }

  #onRequest(request: RtspRequest): undefined {
    if (this.#ended) return;
    if (this.#requests++ === 0 && this.#framer.garbageBytes > 0) return this.#onMalformed(notRtsp());
    if (this.#busy) {
      this.#waiting.push(request);
      if (this.#waiting.length > maxWaiting) this.#end();
      return;
    }
    this.#handler.onRequest?.(request);
    // GStreamer asks in RTSP 2.0 where it was told to, and comes back with 1.0.
    if (request.version !== undefined && !request.version.startsWith('1.')) return this.#reply(request, 505);
    const { action } = this.#rule(request);
    if (action === 'options') return this.#reply(request, 200, { headers: [['Public', this.#publicMethods]] });
    if (action === 'notImplemented') return this.#reply(request, 501);
    if (this.#login && !this.#login.check(request)) {
      this.#reply(request, 401, { headers: this.#login.challenges() });
      // Guessing costs a connection for every few words.
      if (this.#login.failures >= maxLoginFailures) this.#end();
      return;
    }
    const unknown = unknownFeatures(request, this.#options.features);
    if (unknown !== undefined) return this.#reply(request, 551, { headers: [['Unsupported', unknown]] });
    const { authorize } = this.#handler;
    if (authorize === undefined) return this.#admit(request);
    const target = request.url === '*' ? everything : parseServerTarget(request.url);
    if (!target) return this.#reply(request, 404);
    this.#wait<ServedRefusal | undefined>(
      (answer) => authorize.call(this.#handler, request, target, answer),
      (refusal) => (refusal ? this.#refuse(request, refusal) : this.#admit(request)),
    );
  }

  /** Says so (RFC 2326 §7.1.1); where something is set up the connection finds its way again, else it ends. */
  #onMalformed(error: WatchpostError): undefined {
    if (this.#ended) return;
    this.#reply(unreadable, 400, { reason: unreadableReason(error) });
    if (this.#session.tracks.length === 0) this.#end(error);
  }

  #rule(request: RtspRequest): { readonly action: ServerAction } {
    const method = (methods.includes(request.method) ? request.method : 'OTHER') as ServerMethod;
    return serverTable[this.#session.state][method];
  }

  /** The request may be made: finds its session, then does as the table says. */
  #admit(request: RtspRequest): undefined {
    const id = sessionOf(request)?.id;
    if (id !== undefined && id !== this.#session.id) {
      const other = this.#session.tracks.length === 0 ? this.#handler.findSession?.(id) : undefined;
      if (!other || other.isInterleaved) return this.#reply(request, 454);
      this.#session = other;
    }
    const { action } = this.#rule(request);
    // Where there is no session, it is that which is missing (RFC 2326 §11.3.5).
    if (action === 'invalidState' && this.#session.state === 'init') return this.#reply(request, 454);
    if (action === 'invalidState') return this.#reply(request, 455, { headers: [['Allow', this.#publicMethods]] });
    if (action === 'again' && this.#session.seekable && isSeek(request)) return this.#playRange(request);
    if (action === 'alive' || action === 'again') return this.#reply(request, 200);
    if (action === 'describe') return this.#describe(request);
    if (action === 'announce') return this.#announce(request);
    if (action === 'setup') return this.#setup(request);
    if (action === 'setupRecord') return this.#setupRecord(request);
    if (action === 'play') return this.#play(request);
    if (action === 'record') return this.#record(request);
    if (action === 'pause') return this.#pause(request);
    if (action === 'teardown') return this.#teardown(request);
  }

  #describe(request: RtspRequest): undefined {
    this.#withDescription(request, (description, target) => {
      const accept = headerOf(request, 'Accept');
      if (accept !== undefined && !/application\/(sdp|\*)|\*\/\*/i.test(accept)) return this.#reply(request, 406);
      const base = target.url.replace(/\/*$/, '/');
      const body = new TextEncoder().encode(writeSdp(keepQuery(description.sdp, target.url)));
      const headers = [['Content-Base', base] as const, ['Content-Type', 'application/sdp'] as const];
      this.#reply(request, 200, { headers, body });
    });
  }

  #announce(request: RtspRequest): undefined {
    const { onAnnounce } = this.#handler;
    if (!onAnnounce) return this.#reply(request, 405, { headers: [['Allow', this.#publicMethods]] });
    const target = parseServerTarget(request.url);
    if (!target) return this.#reply(request, 404);
    let sdp: SdpSession;
    try {
      sdp = parseSdp(request.body);
    } catch {
      return this.#reply(request, 400, { reason: 'Bad Request (the body is no SDP)' });
    }
    this.#wait<ServedRefusal | undefined>(
      (answer) => onAnnounce.call(this.#handler, target, sdp, answer),
      (refusal) => {
        if (refusal) return this.#refuse(request, refusal);
        this.#session.target = target;
        this.#session.announced = sdp.media.map((media) => media.control ?? '');
        this.#session.state = 'announced';
        return this.#reply(request, 200);
      },
    );
  }

  #setup(request: RtspRequest): undefined {
    const spec = this.#chooseTransport(request, false);
    if (!spec) return this.#reply(request, 461);
    this.#withDescription(request, (description, target) => {
      const session = this.#session;
      const trackIndex = target.trackIndex ?? (description.trackCount === 1 ? 0 : undefined);
      if (trackIndex === undefined) return this.#reply(request, 460);
      if (trackIndex >= description.trackCount) return this.#reply(request, 404);
      if (session.target && session.target.path !== target.path) return this.#reply(request, 459);
      session.seekable = description.seekable ?? false;
      this.#setupTrack(request, { trackIndex, spec, target, record: false });
    });
  }

  #setupRecord(request: RtspRequest): undefined {
    const spec = this.#chooseTransport(request, true);
    if (!spec) return this.#reply(request, 461);
    const trackIndex = matchControl(request.url, this.#session.announced ?? []);
    if (trackIndex === undefined) return this.#reply(request, 404);
    this.#setupTrack(request, { trackIndex, spec, target: this.#session.target!, record: true });
  }

  #chooseTransport(request: RtspRequest, record: boolean): TransportSpec | undefined {
    return chooseTransport(headerOf(request, 'Transport') ?? '', {
      record,
      udp: this.#handler.onSetup !== undefined,
      multicast: this.#options.multicast === true,
      tracks: this.#session.tracks,
    });
  }

  #setupTrack(
    request: RtspRequest,
    setup: { trackIndex: number; spec: TransportSpec; target: ServerTarget; record: boolean },
  ): undefined {
    const { tracks } = this.#session;
    if (tracks.some((track) => track.trackIndex === setup.trackIndex)) return this.#reply(request, 455);
    if (tracks.length >= maxTracks) return this.#reply(request, 404);
    const { onSetup } = this.#handler;
    if (!onSetup) return this.#addTrack(request, setup, {});
    this.#wait<SetupAnswer | ServedRefusal>(
      (answer) => onSetup.call(this.#handler, { ...setup, request }, answer),
      (result) => ('status' in result ? this.#refuse(request, result) : this.#addTrack(request, setup, result)),
    );
  }

  #addTrack(
    request: RtspRequest,
    setup: { trackIndex: number; spec: TransportSpec; target: ServerTarget; record: boolean },
    answer: SetupAnswer,
  ): undefined {
    const session = this.#session;
    const { trackIndex, spec, target, record } = setup;
    let channels: readonly [number, number] = [-1, -1];
    if (spec.lower === 'tcp') {
      const isFixed = this.#options.fixedChannels && !record;
      channels = isFixed ? [2 * trackIndex, 2 * trackIndex + 1] : freeChannels(spec.interleaved, session.tracks);
      this.#framer.setChannel(channels[0], 'rtp');
      this.#framer.setChannel(channels[1], 'rtcp');
    }
    session.tracks.push({ trackIndex, rtpChannel: channels[0], rtcpChannel: channels[1], lower: deliveryOf(spec) });
    session.urls[trackIndex] = request.url;
    session.target ??= target;
    if (!record) session.state = 'ready';
    const transport = transportAnswer(spec, channels, { answer, record });
    this.#reply(request, 200, { headers: [['Transport', transport]] });
  }

  #play(request: RtspRequest): undefined {
    const session = this.#session;
    if (session.seekable) return this.#playRange(request);
    const positions = this.#handler.positions(session.tracks);
    session.state = 'playing';
    this.#reply(request, 200, { headers: [['Range', 'npt=0.000-'], ...rtpInfoHeader(positions, session.urls)] });
    this.#handler.onPlay(session.tracks, session.target!);
  }

  /** PLAY of what can be sought in, another one while it plays included (RFC 2326 §10.5). */
  #playRange(request: RtspRequest): undefined {
    const { preparePlay } = this.#handler;
    let play: PlayRequest;
    try {
      play = parsePlay(request);
    } catch (thrown) {
      return this.#refuse(request, playRefusal(thrown));
    }
    if (!preparePlay) return this.#reply(request, 457);
    this.#wait<PlayAnswer | ServedRefusal>(
      (answer) => preparePlay.call(this.#handler, play, answer),
      (result) => {
        if ('status' in result) return this.#refuse(request, result);
        const session = this.#session;
        session.state = 'playing';
        const info = rtpInfoHeader(result.positions, session.urls);
        this.#reply(request, 200, { headers: [...playHeaders(play, result), ...info] });
        return this.#handler.onPlay(session.tracks, session.target!);
      },
    );
  }

  #record(request: RtspRequest): undefined {
    const session = this.#session;
    if (session.tracks.length === 0) return this.#reply(request, 455, { headers: [['Allow', this.#publicMethods]] });
    session.state = 'recording';
    this.#handler.onRecord?.(session.tracks, session.target!);
    if (!this.#ended) this.#reply(request, 200);
  }

  #pause(request: RtspRequest): undefined {
    const session = this.#session;
    // One track is not halted alone; to halt all would be more than was asked for (RFC 2326 §10.6, §11.3.9).
    if (session.tracks.length > 1 && session.trackNamed(request.url) !== undefined) return this.#reply(request, 460);
    if (session.state === 'playing' || session.state === 'recording') this.#handler.onPause();
    session.state = session.state === 'recording' ? 'announced' : 'ready';
    return this.#reply(request, 200);
  }

  /** One track of several ends alone (RFC 2326 §10.7); the last one and the URL of all end the session. */
  #teardown(request: RtspRequest): undefined {
    const session = this.#session;
    const trackIndex = session.tracks.length > 0 ? session.trackNamed(request.url) : undefined;
    if (trackIndex !== undefined && !session.remove(trackIndex)) return this.#reply(request, 404);
    if (trackIndex !== undefined && session.tracks.length > 0) {
      this.#handler.onTrackEnd?.(trackIndex);
      return this.#reply(request, 200);
    }
    session.state = 'ended';
    this.#reply(request, 200);
    return this.#end();
  }

  #withDescription(
    request: RtspRequest,
    use: (description: ServedDescription, target: ServerTarget) => void,
  ): undefined {
    const target = parseServerTarget(request.url);
    if (!target) return this.#reply(request, 404);
    const known = this.#described;
    if (request.method === 'SETUP' && known?.path === target.path) return void use(known.description, target);
    this.#wait<ServedDescription | ServedRefusal>(
      (answer) => this.#handler.onDescribe(target, answer),
      (result) => {
        if ('status' in result) return this.#refuse(request, result);
        this.#described = { path: target.path, query: target.query, description: result };
        use(result, target);
      },
    );
  }

  /** Asks the handler; requests that come meanwhile wait for what `use` does with the answer. */
  #wait<T>(ask: (answer: (result: T) => void) => void, use: (result: T) => void): void {
    this.#busy = true;
    let answered = false;
    ask((result) => {
      if (answered || this.#ended) return;
      answered = true;
      this.#busy = false;
      use(result);
      while (!this.#busy && this.#waiting.length > 0) this.#onRequest(this.#waiting.shift()!);
    });
  }

  #refuse(request: RtspRequest, refusal: ServedRefusal): undefined {
    const { status, reason, location, headers = [] } = refusal;
    this.#reply(request, status, {
      headers: location === undefined ? headers : [...headers, ['Location', location]],
      reason,
    });
    if (status !== 401 || headerOf(request, 'Authorization') === undefined) return;
    if (++this.#loginFailures >= maxLoginFailures) this.#end();
  }

  #reply(request: RtspRequest, status: number, more: ServerReply = {}): undefined {
    this.#handler.send(writeServerReply(request, { ...more, status, session: this.#session, options: this.#options }));
  }

  #end(error?: WatchpostError): undefined {
    if (this.#ended) return;
    this.#ended = true;
    this.#framer.close();
    this.#waiting = [];
    this.#handler.onEnd(error);
  }
}
