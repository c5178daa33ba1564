import { isIPv4, type Socket } from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { headerOf, type RtspRequest, sessionOf } from '@watchpost/media/rtsp/message.ts';
import {
  type PlayAnswer,
  RtspServer,
  type RtspServerHandler,
  type ServedDescription,
  type ServedPosition,
  type ServedRefusal,
  type ServedTrack,
  type SetupAnswer,
  type SetupRequest,
} from '@watchpost/media/rtsp/server.ts';
import type { PlayRequest } from '@watchpost/media/rtsp/server-play.ts';
import type { RtspServerSession } from '@watchpost/media/rtsp/server-session.ts';
import type { ServerTarget } from '@watchpost/media/rtsp/server-target.ts';
import type { SdpSession } from '@watchpost/media/sdp/sdp.ts';
import { lastingGrant } from '../../../hub/grant.ts';
import type { Stream } from '../../../hub/stream.ts';
import type { Grant } from '../../../hub/types.ts';
import { awaitOnline } from './await-stream.ts';
import { Gatekeeper, noSuchStream, type RtspAction, streamIdOf } from './gatekeeper.ts';
import type { Guest } from './guest.ts';
import type { Play } from './play.ts';
import { PlaySession } from './play-session.ts';
import { PublishSession } from './publish-session.ts';
import { recordSetupDelayMs } from './quirks.ts';
import { recordedTargetOf } from './recorded-target.ts';
import { refusalOf } from './refusal.ts';
import { describeRecordings, type ReplayScope, ReplaySession } from './replay-session.ts';
import { describeStream, playedTracks } from './served-tracks.ts';
import type { ServerParts } from './server-parts.ts';
import { plainAddress, UdpTrack } from './udp-track.ts';

const describeWithinMs = 10_000;
/** Whoever has nothing to ask for so long is not a client of ours. */
const firstRequestWithinMs = 10_000;
const idleAfterMs = 60_000;
/** A client that does not take answers and reports is not there any more. */
const maxUnsentBytes = 64 * 1024;
/** In a second; each costs an answer. Players and publishers send a dozen in all, and one now and then. */
const maxRequests = 256;
/** Of whoever has set up nothing, in a second: a description and its requests are smaller. Empty lines cost time, too. */
const maxStrangerBytes = 1024 * 1024;

/** One connection of a player or a publisher: socket and time around an `RtspServer`. */
export class Connection implements RtspServerHandler, Guest {
  readonly #socket: Socket;
  readonly #parts: ServerParts;
  readonly #gatekeeper: Gatekeeper;
  readonly #rtsp: RtspServer;
  readonly #openedMs: number;
  /** Leave for what was asked for last. */
  #grant: Grant = lastingGrant;
  #requestMs: number;
  #requests = 0;
  #publish: PublishSession | undefined;
  /** What recordings this connection described last. */
  #scope: ReplayScope | undefined;
  #bytesThisSecond = 0;
  #requestsThisSecond = 0;
  #closed = false;

  constructor(socket: Socket, parts: ServerParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.#gatekeeper = new Gatekeeper({
      ...{ access: parts.access, clock: parts.clock, remoteAddress: plainAddress(socket.remoteAddress ?? '') },
      // Inside of TLS passwords of users may go as they are, and players would rather answer Digest.
      digest: parts.digest && !('encrypted' in socket),
      onWithdrawn: (reason) => this.end(reason),
    });
    this.#rtsp = new RtspServer(
      {
        serverName: parts.serverName,
        fixedChannels: true,
        get multicast() {
          return parts.groups.areOffered && isIPv4(plainAddress(socket.localAddress ?? ''));
        },
      },
      this,
    );
    this.#openedMs = this.#requestMs = parts.clock.monotonicMs();
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    socket.on('close', () => this.#onClose());
  }

  get isStranger(): boolean {
    const { state } = this.#rtsp;
    return state === 'init' || state === 'ended';
  }

  /** Once a second. */
  tick(nowMs: number): void {
    this.#rtsp.adapt(this.#bytesThisSecond);
    this.#bytesThisSecond = 0;
    this.#requestsThisSecond = 0;
    const { state } = this.#rtsp;
    if (state === 'recording') {
      const silent = this.#publish?.tick(nowMs);
      if (silent) this.end(silent);
      return;
    }
    if (state === 'playing') return;
    const isLate = this.#requests === 0 && nowMs - this.#openedMs >= firstRequestWithinMs;
    if (isLate || nowMs - this.#requestMs >= idleAfterMs) this.#socket.destroy();
  }

  /** Bytes that the client sent, by whatever way. */
  receive(chunk: Uint8Array): void {
    this.#bytesThisSecond += chunk.length;
    if (this.isStranger && this.#bytesThisSecond > maxStrangerBytes) return void this.#socket.destroy();
    this.#rtsp.receive(chunk, 0, chunk.length);
    this.#publish?.flush();
    // Whoever asks and asks and takes no answer; what is played is held back by the player itself.
    if (this.#rtsp.state !== 'playing' && this.#socket.writableLength > maxUnsentBytes) this.#socket.destroy();
  }

  /** Gives the client up. */
  drop(): void {
    this.#socket.destroy();
  }

  /** Ends whatever it does. */
  end(reason: WatchpostError): void {
    this.#publish?.end(reason);
    if (reason.code === 'READER_STUCK') this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  onRequest(): void {
    this.#requests++;
    if (++this.#requestsThisSecond > maxRequests) this.#socket.destroy();
    this.#requestMs = this.#parts.clock.monotonicMs();
    this.#play?.heard();
  }

  authorize(request: RtspRequest, target: ServerTarget, answer: (refusal?: ServedRefusal) => void): void {
    this.#admit(request, target).then(
      () => answer(),
      (thrown) => answer(refusalOf(thrown, this.#gatekeeper.challengesFor(thrown))),
    );
  }

  findSession(id: string): RtspServerSession | undefined {
    const play = this.#parts.plays.get(id);
    play?.heard();
    return play?.rtsp;
  }

  onDescribe(target: ServerTarget, answer: (result: ServedDescription | ServedRefusal) => void): void {
    this.#describe(target).then(answer, (thrown) => answer(refusalOf(thrown)));
  }

  onAnnounce(target: ServerTarget, sdp: SdpSession, answer: (refusal?: ServedRefusal) => void): void {
    PublishSession.open(streamIdOf(target.path) ?? '', sdp, this.#parts).then(
      (session) => {
        if (this.#closed) session.close(gone());
        else this.#publish = session;
        answer();
      },
      (thrown) => answer(refusalOf(thrown)),
    );
  }

  onSetup(setup: SetupRequest, answer: (result: SetupAnswer | ServedRefusal) => void): void {
    const delayMs = setup.record ? recordSetupDelayMs(headerOf(setup.request, 'User-Agent')) : 0;
    void this.#setup(setup)
      .catch(refusalOf)
      .then((result) => {
        if (delayMs === 0) answer(result);
        else this.#parts.clock.after(delayMs, () => answer(result));
      });
  }

  preparePlay(play: PlayRequest, answer: (result: PlayAnswer | ServedRefusal) => void): void {
    const { prepare } = this.#play ?? {};
    if (prepare === undefined) answer({ status: 457, reason: 'Invalid Range' });
    else prepare.call(this.#play, play).then(answer, (thrown) => answer(refusalOf(thrown)));
  }

  positions(tracks: readonly ServedTrack[]): readonly ServedPosition[] {
    return this.#play?.open(tracks) ?? [];
  }

  onPlay(): void {
    this.#play?.start();
  }

  onRecord(tracks: readonly ServedTrack[]): void {
    this.#publish?.begin(tracks, {
      writeInterleaved: (channel, packet) => this.#writeInterleaved(channel, packet),
      end: (reason) => this.end(reason),
    });
  }

  onPause(): void {
    this.#play?.pause();
    this.#publish?.pause();
  }

  onTrackEnd(trackIndex: number): void {
    this.#play?.drop(trackIndex);
    this.#publish?.drop(trackIndex);
  }

  onInterleaved(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void {
    this.#publish?.receive(trackIndex, isRtcp, { chunk, start, end });
  }

  onEnd(error?: WatchpostError): void {
    if (this.#rtsp.session.state === 'ended') this.#endPlay();
    this.#publish?.end(error ?? gone());
    this.#socket.destroySoon();
  }

  get #play(): Play | undefined {
    return this.#parts.plays.get(this.#rtsp.session.id);
  }

  async #admit(request: RtspRequest, target: ServerTarget): Promise<void> {
    const { session } = this.#rtsp;
    const asked = sessionOf(request)?.id;
    const isOwn = asked === undefined || asked === session.id;
    // What goes on on this connection was asked for on it.
    if (isOwn && session.tracks.length > 0) return this.#checkCurrent(request);
    const publishes = request.method === 'ANNOUNCE' || session.state === 'announced';
    const isRecorded = !publishes && recordedTargetOf(target) !== undefined;
    const action: RtspAction = publishes ? 'publish' : isRecorded ? 'playback' : 'live';
    const path = session.state === 'announced' ? session.target!.path : target.path;
    const located = publishes ? undefined : this.#parts.located?.idOf(path, target.query);
    const streamId = streamIdOf(path) ?? located;
    if (streamId !== undefined) this.#grant = await this.#gatekeeper.admit(request, target, { action, streamId });
    else if (!isOwn || ['DESCRIBE', 'ANNOUNCE', 'SETUP'].includes(request.method)) throw noSuchStream(path);
  }

  #checkCurrent(request: RtspRequest): void {
    if (request.method !== 'PLAY' || this.#rtsp.state !== 'ready' || this.#play === undefined) return;
    const why = this.#play.whyStale();
    if (why) throw why;
  }

  async #describe(target: ServerTarget): Promise<ServedDescription> {
    const recorded = recordedTargetOf(target);
    const { recordings } = this.#parts;
    if (recorded !== undefined && recordings === undefined) throw noSuchStream(target.path);
    if (recorded !== undefined) {
      const { scope, description } = await describeRecordings(recordings!, recorded);
      this.#scope = scope;
      return description;
    }
    const { hub, clock, located } = this.#parts;
    const isLocated = located?.idOf(target.path, target.query) !== undefined;
    const stream = isLocated ? await located.open(target.path, target.query) : this.#streamOf(target);
    await awaitOnline(stream, hub, { clock, withinMs: describeWithinMs });
    const tracks = playedTracks(stream.tracks);
    // Not before: GStreamer asks for a track at an address that is none, then at the right one.
    this.#scope = undefined;
    return { sdp: describeStream(tracks, stream.definition.title), trackCount: tracks.length };
  }

  #streamOf(target: ServerTarget): Stream {
    const { path, query } = target;
    const streamId = streamIdOf(path) ?? this.#parts.located?.idOf(path, query);
    const stream = streamId === undefined ? undefined : this.#parts.hub.get(streamId);
    if (stream === undefined) throw noSuchStream(streamId ?? target.path);
    return stream;
  }

  async #setup(setup: SetupRequest): Promise<SetupAnswer | ServedRefusal> {
    const { spec, trackIndex } = setup;
    if (spec.multicast) {
      const play = this.#openPlay(setup.target);
      if (play instanceof PlaySession) return this.#setupGroup(play, trackIndex);
      return { status: 461, reason: 'Unsupported Transport' };
    }
    const udp = setup.record ? this.#publish?.udp : this.#openPlay(setup.target).udp;
    if (spec.lower === 'tcp' || udp === undefined) return {};
    const pair = await this.#parts.ports.open(plainAddress(this.#socket.localAddress ?? ''));
    if (this.#closed) {
      pair.close();
      throw gone();
    }
    const { session } = this.#rtsp;
    const publish = this.#publish;
    const peer = { address: plainAddress(this.#socket.remoteAddress ?? ''), ports: spec.clientPort! };
    const onPacket = setup.record
      ? (isRtcp: boolean, packet: Buffer) => publish?.receiveDatagram(trackIndex, isRtcp, packet)
      : () => this.#parts.plays.get(session.id)?.heard();
    const track = new UdpTrack(pair, peer, onPacket);
    udp.get(trackIndex)?.close();
    udp.set(trackIndex, track);
    return { serverPort: track.ports };
  }

  async #setupGroup(play: PlaySession, trackIndex: number): Promise<SetupAnswer> {
    if (play.seat === undefined) {
      const { groups } = this.#parts;
      const seat = await groups.seat(play.stream, plainAddress(this.#socket.localAddress ?? ''), {
        remoteAddress: plainAddress(this.#socket.remoteAddress ?? ''),
        heard: () => play.heard(),
        onEnd: (reason) => play.over(reason),
      });
      if (this.#closed) {
        seat.close();
        throw gone();
      }
      play.seat = seat;
    }
    const { address, ttl } = play.seat;
    return { group: { address, ttl, ports: play.seat.portsOf(trackIndex) } };
  }

  #openPlay(target: ServerTarget): Play {
    if (this.#play !== undefined) return this.#play;
    const { plays, limits } = this.#parts;
    if (plays.size >= limits.maxPlays)
      throw new WatchpostError('too many players', { kind: 'resource_exhausted', code: 'RTSP_TOO_MANY_PLAYERS' });
    const play = this.#scope === undefined ? this.#livePlay(this.#streamOf(target)) : this.#replay(this.#scope);
    plays.set(play.rtsp.id, play);
    return play;
  }

  #livePlay(stream: Stream): PlaySession {
    const { clock, outputs, counts, hub } = this.#parts;
    const isDefined = () => hub.get(stream.id) === stream;
    const rtsp = this.#rtsp.session;
    const onEnd = (reason: WatchpostError) => this.#onPlayEnd(rtsp.id, reason);
    const grant = this.#grant;
    return new PlaySession({ rtsp, stream, grant, isDefined, socket: this.#socket, clock, outputs, counts, onEnd });
  }

  #replay(scope: ReplayScope): ReplaySession {
    const rtsp = this.#rtsp.session;
    return new ReplaySession({
      ...{ rtsp, scope, grant: this.#grant, source: this.#parts.recordings!, socket: this.#socket, parts: this.#parts },
      onEnd: (reason) => this.#onPlayEnd(rtsp.id, reason),
    });
  }

  #onPlayEnd(sessionId: string, reason: WatchpostError): void {
    const { plays, counts } = this.#parts;
    if (reason.code === 'READER_STUCK') counts.stuckPlayers++;
    const play = plays.get(sessionId);
    plays.delete(sessionId);
    if (play !== undefined) play.rtsp.state = 'ended';
    play?.close();
    this.end(reason);
  }

  #writeInterleaved(channel: number, packet: Uint8Array): void {
    const frame = Buffer.allocUnsafe(4 + packet.length);
    frame.writeUInt8(0x24, 0);
    frame.writeUInt8(channel, 1);
    frame.writeUInt16BE(packet.length, 2);
    frame.set(packet, 4);
    this.send(frame);
  }

  #endPlay(): void {
    const play = this.#play;
    if (play === undefined) return;
    this.#parts.plays.delete(play.rtsp.id);
    play.close();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#gatekeeper.close();
    this.#publish?.close(gone());
    const { session } = this.#rtsp;
    // Over UDP a player may hang up and go on listening; its reports, or their absence, tell.
    if (session.state !== 'playing' || session.isInterleaved) this.#endPlay();
  }
}

function gone(): WatchpostError {
  return new WatchpostError('The publisher hung up', { kind: 'unavailable', code: 'SOURCE_ENDED' });
}
