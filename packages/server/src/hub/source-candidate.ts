import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { WallAnchor } from '@watchpost/media/time/wall-clock.ts';
import type { RtpPacket, Sample } from '@watchpost/media/types.ts';
import { Session, type SessionHost } from './session.ts';
import type { AnnouncedTrack, ChunkRecycler, Publish, Publisher, SourceTransport, SourceUnit } from './types.ts';

/** A better source must send pictures for so long before it is trusted. */
const steadyMs = 3000;
/** What it sends is kept since its last key picture, and not more than this. */
const maxHeldBytes = 16 * 1024 * 1024;
const maxHeld = 50_000;
/** A first key picture later than this is none. */
const keyPatienceMs = 80_000;

type Input =
  | { readonly kind: 'rtp'; readonly track: number; readonly packet: RtpPacket; readonly lost: number }
  | { readonly kind: 'unit'; readonly track: number; readonly unit: SourceUnit }
  | { readonly kind: 'report'; readonly track: number; readonly ntpMs: number; readonly timestamp: number };

/** What a candidate needs. */
export interface CandidateOptions {
  readonly anchor: WallAnchor;
  readonly nowMs: () => number;
  readonly announced: readonly AnnouncedTrack[];
  readonly recycler: ChunkRecycler | undefined;
  readonly transport: SourceTransport | undefined;
  /** Nothing else is to be seen: the first key picture takes over. */
  readonly isUrgent: () => boolean;
  /** Takes over the stream: everything since its last key picture is written into what comes back. */
  readonly takeOver: Publish;
}

/**
 * A source that is tried while another one is in use. It is depacketized on the side; once it has been steady for some
 * seconds, or at once where the other one shows nothing, it takes the stream over at a key picture, from that picture's
 * first packet on, so that readers see one cut.
 */
export class SourceCandidate implements Publisher {
  readonly #options: CandidateOptions;
  readonly #trial: Session;
  readonly #hasVideo: boolean;
  #held: Input[] = [];
  #heldBytes = 0;
  #firstKeyMs: number | undefined;
  #real: Publisher | undefined;
  #isDue = false;
  #closed = false;

  constructor(options: CandidateOptions) {
    this.#options = options;
    this.#hasVideo = options.announced.some(({ track }) => track.kind === 'video');
    // What is held here must not be given back behind our back.
    options.recycler?.expose();
    this.#trial = new Session(
      options.announced,
      trialHost(options, (sample) => this.#onSample(sample)),
    );
  }

  writeRtp(track: number, packet: RtpPacket, lost: number): void {
    if (this.#real !== undefined) {
      this.#real.writeRtp(track, packet, lost);
      return;
    }
    this.#hold({ kind: 'rtp', track, packet, lost }, packet.payloadEnd - packet.start);
    this.#trial.writeRtp(track, packet, lost);
  }

  senderReport(track: number, ntpMs: number, timestamp: number): void {
    if (this.#real !== undefined) {
      this.#real.senderReport(track, ntpMs, timestamp);
      return;
    }
    this.#hold({ kind: 'report', track, ntpMs, timestamp }, 0);
    this.#trial.senderReport(track, ntpMs, timestamp);
  }

  writeUnit(track: number, unit: SourceUnit): void {
    if (this.#real !== undefined) {
      this.#real.writeUnit(track, unit);
      return;
    }
    let bytes = 0;
    for (let i = 0; i < unit.units.length; i++) bytes += unit.units[i]!.length;
    this.#hold({ kind: 'unit', track, unit }, bytes);
    this.#trial.writeUnit(track, unit);
  }

  get patienceMs(): number {
    return this.#real?.patienceMs ?? 0;
  }

  count(name: string, n: number): void {
    this.#real?.count(name, n);
  }

  close(reason?: WatchpostError): void {
    this.#closed = true;
    this.#held = [];
    this.#trial.close();
    this.#real?.close(reason);
  }

  /** The end of a batch is the moment to take over. */
  flush(): void {
    if (this.#real !== undefined) this.#real.flush();
    else if (this.#isDue && !this.#closed) this.#takeOver();
    else if (!this.#closed) this.#trial.flush();
  }

  #onSample(sample: Sample): void {
    const isKey = sample.key && (sample.track.kind === 'video' || !this.#hasVideo);
    if (!isKey || this.#real !== undefined) return;
    const nowMs = this.#options.nowMs();
    this.#firstKeyMs ??= nowMs;
    this.#keepFrom(sample);
    if (nowMs - this.#firstKeyMs >= steadyMs || this.#options.isUrgent()) this.#isDue = true;
  }

  #hold(input: Input, bytes: number): void {
    if (this.#closed) return;
    this.#held.push(input);
    this.#heldBytes += bytes;
    if (this.#heldBytes <= maxHeldBytes && this.#held.length <= maxHeld) return;
    // Too much for one group of pictures: the next key picture is waited for.
    this.#held = [];
    this.#heldBytes = 0;
    this.#isDue = false;
  }

  /** Forgets what came before the first part of this key picture. */
  #keepFrom(sample: Sample): void {
    const timestamp = sample.rtp?.[0]?.timestamp;
    const isOfIt = (input: Input) =>
      input.kind === 'rtp'
        ? this.#kindOf(input) === sample.track.kind && input.packet.timestamp === timestamp
        : input.kind === 'unit' && this.#kindOf(input) === sample.track.kind && input.unit.key;
    const from = timestamp === undefined ? this.#held.findLastIndex(isOfIt) : this.#held.findIndex(isOfIt);
    if (from <= 0) return;
    // The last report before it tells its wall clock.
    const reports = this.#held.slice(0, from).filter(({ kind }) => kind === 'report');
    this.#held = [...reports.slice(-4), ...this.#held.slice(from)];
    this.#heldBytes = 0;
  }

  #kindOf({ track }: Input): string | undefined {
    return this.#options.announced[track]?.track.kind;
  }

  #takeOver(): void {
    const { announced, recycler, transport, takeOver } = this.#options;
    const held = this.#held;
    this.#held = [];
    this.#real = takeOver(announced, recycler, transport);
    this.#trial.close();
    for (const input of held) {
      if (input.kind === 'rtp') this.#real.writeRtp(input.track, input.packet, input.lost);
      else if (input.kind === 'unit') this.#real.writeUnit(input.track, input.unit);
      else this.#real.senderReport(input.track, input.ntpMs, input.timestamp);
    }
    this.#real.flush();
  }
}

/** What a session on trial tells goes nowhere but for its samples. */
function trialHost({ anchor, nowMs }: CandidateOptions, append: (sample: Sample) => void): SessionHost {
  const ignore = () => {};
  return {
    ...{ anchor, patienceMs: 0, nowMs, append, keyPatienceMs, beginMs: () => 0 },
    ...{ tracksChanged: ignore, flush: ignore, received: ignore, count: ignore },
    ...{ waited: ignore, clockOffset: ignore, closed: ignore },
  };
}
