import { equalBytes } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { EnrolmentToken } from '../enrolment-token.ts';
import { frameType, protocolVersion } from '../frame.ts';
import { protocolError } from '../protocol-error.ts';
import type { AnnouncedLimits } from '../session-limits.ts';
import { equalSecrets, type HandshakeCrypto, type KeyPair } from './crypto.ts';
import {
  handshakeType,
  type Proof,
  parseChallenge,
  parseRefused,
  parseWelcome,
  type Refused,
  type Welcome,
  writeHello,
  writeProof,
} from './messages.ts';
import { agentTranscript, serverTranscript } from './transcript.ts';

/** Who connects, and to whom. */
export interface ClientHandshakeOptions {
  readonly crypto: HandshakeCrypto;
  readonly agentId: string;
  readonly keys: KeyPair;
  readonly instance: string;
  readonly software?: string;
  /** Needed until the server knows the key; harmless afterwards. */
  readonly token?: EnrolmentToken;
  /** The server's key as it was pinned; without it the server must show that it knows the token. */
  readonly serverKey?: Uint8Array;
  readonly limits: AnnouncedLimits;
  /** The session to go on with. */
  readonly resume?: Proof['resume'];
}

/** How it went. */
export type ClientOutcome =
  | { readonly kind: 'send'; readonly message: Uint8Array }
  /** `serverKey` is to be pinned where nothing was. */
  | { readonly kind: 'welcome'; readonly welcome: Welcome; readonly serverKey: Uint8Array }
  | { readonly kind: 'refused'; readonly refused: Refused };

/** The agent's half of the handshake (SPEC.md §3). The owner sends what comes back, and closes after 10 s. */
export class ClientHandshake {
  readonly #options: ClientHandshakeOptions;
  readonly #hello: Uint8Array;
  #serverKey: Uint8Array | undefined;

  constructor(options: ClientHandshakeOptions) {
    this.#options = options;
    this.#hello = writeHello({
      minVersion: protocolVersion,
      maxVersion: protocolVersion,
      agentId: options.agentId,
      publicKey: options.keys.publicKey,
      nonce: options.crypto.randomBytes(32),
      instance: options.instance,
      limits: options.limits,
      ...(options.token && { tokenId: options.token.id }),
      ...(options.software !== undefined && { software: options.software }),
    });
  }

  /** The first message. */
  get hello(): Uint8Array {
    return this.#hello;
  }

  /**
   * Takes the server's next message. Thrown: `malformed`, and `unauthenticated` (`TUNNEL_SERVER_KEY`) where the server is
   * not the one that was pinned.
   */
  async receive(message: Uint8Array): Promise<ClientOutcome> {
    const type = handshakeType(message);
    if (type === frameType.refused) return { kind: 'refused', refused: parseRefused(message) };
    if (type === frameType.challenge && !this.#serverKey) return this.#prove(message);
    if (type === frameType.welcome && this.#serverKey)
      return { kind: 'welcome', welcome: parseWelcome(message), serverKey: this.#serverKey };
    throw protocolError(`frame type ${type} does not belong into the handshake here`);
  }

  async #prove(message: Uint8Array): Promise<ClientOutcome> {
    const { crypto, keys, token, resume } = this.#options;
    const challenge = parseChallenge(message);
    if (challenge.version !== protocolVersion) throw protocolError(`version ${challenge.version} was not offered`);
    const serverSaid = await serverTranscript(crypto, this.#hello, challenge);
    if (!(await crypto.verify(challenge.serverKey, challenge.signature, serverSaid))) throw wrongServer();
    const tokenKey = token && (await crypto.sha256(token.secret));
    await this.#checkServer(challenge, tokenKey && (await crypto.hmac(tokenKey, serverSaid)));
    this.#serverKey = challenge.serverKey;
    const agentSays = await agentTranscript(crypto, this.#hello, { challenge, resume });
    const proof = writeProof({
      signature: await crypto.sign(keys.privateKey, agentSays),
      ...(tokenKey && { tokenProof: await crypto.hmac(tokenKey, agentSays) }),
      ...(resume && { resume }),
    });
    return { kind: 'send', message: proof };
  }

  /** A pinned key decides; without one a server that knows the token is the right one. */
  async #checkServer(
    { serverKey, tokenProof }: { serverKey: Uint8Array; tokenProof?: Uint8Array },
    expected: Uint8Array | undefined,
  ): Promise<void> {
    const pinned = this.#options.serverKey;
    if (pinned && !equalBytes(pinned, serverKey)) throw wrongServer();
    if (!pinned && expected && !(tokenProof && equalSecrets(expected, tokenProof))) throw wrongServer();
  }
}

function wrongServer(): WatchpostError {
  return new WatchpostError(
    'The server cannot prove to be the one that this agent belongs to — somebody may stand between, or the server was set up anew: enrol the agent again',
    { kind: 'unauthenticated', code: 'TUNNEL_SERVER_KEY' },
  );
}
