import { frameType, protocolVersion } from '../frame.ts';
import { protocolError } from '../protocol-error.ts';
import { equalSecrets, type HandshakeCrypto, type KeyPair } from './crypto.ts';
import {
  type Challenge,
  type Hello,
  handshakeType,
  type Proof,
  parseHello,
  parseProof,
  type Refusal,
  type Refused,
  writeChallenge,
  writeRefused,
} from './messages.ts';
import { agentTranscript, serverTranscript } from './transcript.ts';

/** What the server knows of an agent that says HELLO. */
export interface KnownAgent {
  /** The key that was pinned for this id; undefined before the first, and after a release. */
  readonly publicKey?: Uint8Array;
  readonly isRevoked?: boolean;
}

/** An enrolment token as the server keeps it. */
export interface KnownToken {
  /** SHA-256 of its secret. */
  readonly secretHash: Uint8Array;
  /** Why it enrols nobody any more; it still shows to an agent whose first WELCOME was lost that the server is the right one. */
  readonly refusal?: Refusal;
}

interface Said {
  readonly hello: Hello;
  readonly bytes: Uint8Array;
  readonly challenge: Challenge;
  readonly tokenHash?: Uint8Array;
  /** The key is not pinned yet. */
  readonly isNew: boolean;
}

/** What the server's half asks its owner. */
export interface ServerHandshakeOptions {
  readonly crypto: HandshakeCrypto;
  readonly keys: KeyPair;
  findAgent(agentId: string): Promise<KnownAgent | undefined>;
  findToken(tokenId: string): Promise<KnownToken | undefined>;
}

/** How it went. After `refused` the owner sends the message and closes. */
export type ServerOutcome =
  | { readonly kind: 'send'; readonly message: Uint8Array }
  /** The agent is who it says; `enrolled` with the token where its key is new and must be pinned now. */
  | { readonly kind: 'proven'; readonly hello: Hello; readonly resume: Proof['resume']; readonly enrolledBy?: string }
  | { readonly kind: 'refused'; readonly reason: Refusal; readonly message: Uint8Array };

const texts: Readonly<Record<Refusal, string>> = {
  version: 'Agent and server have no version of the tunnel protocol in common — bring the older one up to date',
  token_required: 'This agent is not known here — give it an enrolment token',
  token_invalid: 'The enrolment token is wrong — make a new one',
  token_expired: 'The enrolment token has expired — make a new one',
  token_used_up: 'The enrolment token was used as often as it may be — make a new one',
  key_mismatch: 'Another agent has this id — choose another id, or have an administrator release the identity',
  revoked: 'This agent was revoked by an administrator',
  bad_signature: 'The agent could not prove its key',
  too_many_agents: 'The server takes no more agents',
  busy: 'The server has too much to do just now',
  malformed: 'The agent broke the protocol',
  internal: 'The server failed',
};

/** Waits by reason; what a person must mend first is not tried every second. */
const retryAfterMs: Readonly<Partial<Record<Refusal, number>>> = {
  busy: 5000,
  too_many_agents: 60_000,
  internal: 5000,
};
const personMustActMs = 60_000;

/** The frame that says no. */
export function makeRefusal(reason: Refusal): Uint8Array {
  const refused: Refused = {
    reason,
    message: texts[reason],
    retryAfterMs: retryAfterMs[reason] ?? personMustActMs,
  };
  return writeRefused(refused);
}

/** The server's half of the handshake (SPEC.md §3). The owner closes a connection that is not done after 10 s. */
export class ServerHandshake {
  readonly #options: ServerHandshakeOptions;
  #said: Said | undefined;
  #isOver = false;

  constructor(options: ServerHandshakeOptions) {
    this.#options = options;
  }

  /** Takes the agent's next message; a second one before the first is answered is `malformed`. */
  async receive(message: Uint8Array): Promise<ServerOutcome> {
    const type = handshakeType(message);
    if (this.#isOver) throw protocolError('the handshake was over');
    if (type === frameType.hello && !this.#said) return this.#challenge(message);
    if (type === frameType.proof && this.#said) return this.#prove(message, this.#said);
    throw protocolError(`frame type ${type} does not belong into the handshake here`);
  }

  async #challenge(message: Uint8Array): Promise<ServerOutcome> {
    const { crypto, keys, findAgent, findToken } = this.#options;
    const hello = parseHello(message);
    if (hello.minVersion > protocolVersion || hello.maxVersion < protocolVersion) return this.#refuse('version');
    const known = await findAgent(hello.agentId);
    if (known?.isRevoked) return this.#refuse('revoked');
    const isNew = known?.publicKey === undefined;
    if (!isNew && !equalSecrets(known.publicKey, hello.publicKey)) return this.#refuse('key_mismatch');
    if (isNew && hello.tokenId === undefined) return this.#refuse('token_required');
    const token = hello.tokenId === undefined ? undefined : await findToken(hello.tokenId);
    if (isNew && (!token || token.refusal)) return this.#refuse(token?.refusal ?? 'token_invalid');
    const said = { version: protocolVersion, serverKey: keys.publicKey, nonce: crypto.randomBytes(32) };
    const transcript = await serverTranscript(crypto, message, said);
    const tokenHash = token?.secretHash;
    const challenge: Challenge = {
      ...said,
      signature: await crypto.sign(keys.privateKey, transcript),
      ...(tokenHash && { tokenProof: await crypto.hmac(tokenHash, transcript) }),
    };
    this.#said = { hello, bytes: message, challenge, isNew, ...(tokenHash && { tokenHash }) };
    return { kind: 'send', message: writeChallenge(challenge) };
  }

  async #prove(message: Uint8Array, said: Said): Promise<ServerOutcome> {
    this.#isOver = true;
    const { crypto } = this.#options;
    const { hello, bytes, challenge, isNew, tokenHash } = said;
    const { signature, tokenProof, resume } = parseProof(message);
    const transcript = await agentTranscript(crypto, bytes, { challenge, resume });
    if (!(await crypto.verify(hello.publicKey, signature, transcript))) return this.#refuse('bad_signature');
    if (!isNew) return { kind: 'proven', hello, resume };
    const expected = tokenHash && (await crypto.hmac(tokenHash, transcript));
    if (!expected || !tokenProof || !equalSecrets(expected, tokenProof)) return this.#refuse('token_invalid');
    return { kind: 'proven', hello, resume, enrolledBy: hello.tokenId! };
  }

  #refuse(reason: Refusal): ServerOutcome {
    this.#isOver = true;
    return { kind: 'refused', reason, message: makeRefusal(reason) };
  }
}
