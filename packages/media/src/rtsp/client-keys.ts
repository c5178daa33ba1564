import { readU32 } from '@watchpost/base/bytes.ts';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import type { SdpTrack } from '../sdp/tracks.ts';
import type { SrtpCrypto } from '../srtp/crypto.ts';
import { parseKeyMgmtAttribute, parseKeyMgmtHeader, writeKeyMgmtHeader } from '../srtp/key-management.ts';
import type { SrtpKeys } from '../srtp/keys.ts';
import type { MikeyMessage } from '../srtp/mikey.ts';
import { createMikey, echoMikey, keysOfMikey } from '../srtp/mikey-keys.ts';
import { parseSdes } from '../srtp/sdes.ts';
import { headerOf, type RtspHeaders, type RtspResponse } from './message.ts';

/** What encrypted media need of the surroundings. */
export interface SrtpSupport {
  readonly crypto: SrtpCrypto;
  /** Milliseconds since 1970 UTC. */
  readonly wallMs: () => number;
}

/** What the packets of one encrypted track are protected with. */
export interface TrackKeys {
  readonly receive: SrtpKeys;
  readonly send: SrtpKeys;
  /** Of the packets that we send. */
  readonly ssrc: number;
}

interface Offer {
  readonly keys: SrtpKeys;
  /** What is said in SETUP; nothing where the description has keys of SDES, which no answer is known for. */
  readonly message?: MikeyMessage;
  readonly ssrc: number;
}

const keyManagementFailure = 463;

/**
 * The keys of a session's encrypted tracks (RFC 4567 §4): those of the description, told back to the camera in SETUP so
 * that it reads our reports, or keys of our own where the camera names none or refuses its own (Axis).
 */
export class ClientKeys {
  readonly #support: SrtpSupport;
  readonly #offers = new Map<number, Offer>();
  #areOurs = false;

  constructor(support: SrtpSupport) {
    this.#support = support;
  }

  /** The headers of a SETUP. Throws `unsupported` or `malformed` where none of the camera's keys can be used. */
  setupHeaders(index: number, track: SdpTrack, url: string): RtspHeaders {
    const offer = this.#offer(track);
    this.#offers.set(index, offer);
    return offer.message ? [['KeyMgmt', writeKeyMgmtHeader(offer.message, url)]] : [];
  }

  /** The camera refused a SETUP: true where another one, with keys of our own, may do. */
  refuse({ status, reason }: RtspResponse): boolean {
    if (this.#areOurs || this.#offers.size === 0) return false;
    this.#areOurs = status === keyManagementFailure || /key.?management/i.test(reason);
    return this.#areOurs;
  }

  /** The camera took a SETUP. Throws like `setupHeaders` for keys in its answer (RFC 4567 §3.2). */
  agree(index: number, response: RtspResponse): TrackKeys {
    const { keys, ssrc } = this.#offers.get(index)!;
    const answer = parseKeyMgmtHeader(headerOf(response, 'KeyMgmt') ?? '');
    const receive = answer && answer.keys.length > 0 ? keysOfMikey(answer) : keys;
    return { receive, send: keys, ssrc };
  }

  /** Another connection: what was agreed is void. */
  reset(): void {
    this.#offers.clear();
    this.#areOurs = false;
  }

  #offer({ keyOffers = [] }: SdpTrack): Offer {
    const { crypto, wallMs } = this.#support;
    const ssrc = readU32(crypto.random(4), 0);
    let failure: unknown;
    for (const [name, value = ''] of this.#areOurs ? [] : keyOffers) {
      try {
        if (name === 'crypto') return { keys: parseSdes(value), ssrc };
        const message = parseKeyMgmtAttribute(value);
        if (message) return { keys: keysOfMikey(message), message: echoMikey(message, ssrc), ssrc };
      } catch (thrown) {
        failure ??= toWatchpostError(thrown);
      }
    }
    if (failure !== undefined) throw failure;
    const message = createMikey(crypto, ssrc, wallMs());
    return { keys: keysOfMikey(message), message, ssrc };
  }
}
