import { WatchpostError } from '@watchpost/base/errors.ts';
import { fromBase64Url, toBase64Url } from '../base64-url.ts';
import { type FrameHeader, frameType, headerBytes, makeFrame, readFrameHeader } from '../frame.ts';
import {
  asObject,
  flag,
  type JsonObject,
  oneOf,
  optionalText,
  optionalWhole,
  parseJsonObject,
  text,
  whole,
  writeJson,
} from '../json-object.ts';
import type { AnnouncedLimits } from '../session-limits.ts';

/** First message, agent to server. */
export interface Hello {
  /** Versions of the protocol that the agent speaks. */
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly agentId: string;
  readonly publicKey: Uint8Array;
  /** 32 random bytes. */
  readonly nonce: Uint8Array;
  /** Different for each start of the agent's process; tells a reconnect from a second agent with the same key. */
  readonly instance: string;
  /** Id of the enrolment token; its secret is never sent. */
  readonly tokenId?: string;
  /** Name and version of the program. */
  readonly software?: string;
  readonly limits: AnnouncedLimits;
}

/** Second message: the server's identity, and its proof. */
export interface Challenge {
  readonly version: number;
  readonly serverKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
  /** Shows that the server knows the enrolment token; where HELLO named one that is good. */
  readonly tokenProof?: Uint8Array;
}

/** Third message: the agent's proof, and the session it wants to go on with. */
export interface Proof {
  readonly signature: Uint8Array;
  readonly tokenProof?: Uint8Array;
  readonly resume?: { readonly session: string; readonly received: number };
}

/** Fourth message: accepted. */
export interface Welcome {
  readonly session: string;
  /** True: the session named in PROOF goes on; the server has received up to `received`. */
  readonly resumed: boolean;
  readonly received: number;
  /** Counts the connections of this agent, for ever; the highest one is the valid one. */
  readonly epoch: number;
  readonly graceMs: number;
  readonly limits: AnnouncedLimits;
}

/** Why an agent is not let in. */
export const refusals = [
  'version',
  'token_required',
  'token_invalid',
  'token_expired',
  'token_used_up',
  'key_mismatch',
  'revoked',
  'bad_signature',
  'too_many_agents',
  'busy',
  'malformed',
  'internal',
] as const;

/** Why an agent is not let in. */
export type Refusal = (typeof refusals)[number];

/** In place of CHALLENGE or WELCOME: not accepted. */
export interface Refused {
  readonly reason: Refusal;
  readonly message: string;
  readonly retryAfterMs: number;
}

const agentIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** True for what may name an agent: letters, digits, dot, dash, underscore, at most 64. */
export function isAgentId(id: string): boolean {
  return agentIdPattern.test(id);
}

/** Writes HELLO. */
export function writeHello(hello: Hello): Uint8Array {
  return frame(frameType.hello, {
    min_version: hello.minVersion,
    max_version: hello.maxVersion,
    agent_id: hello.agentId,
    public_key: toBase64Url(hello.publicKey),
    nonce: toBase64Url(hello.nonce),
    instance: hello.instance,
    token_id: hello.tokenId,
    software: hello.software,
    limits: limitsToJson(hello.limits),
  });
}

/** Reads HELLO. */
export function parseHello(message: Uint8Array): Hello {
  const fields = payloadOf(message, frameType.hello);
  const agentId = text(fields, 'agent_id', 64);
  if (!isAgentId(agentId)) throw wrongField('agent_id');
  const tokenId = optionalText(fields, 'token_id', 32);
  const software = optionalText(fields, 'software', 100);
  return {
    minVersion: whole(fields, 'min_version', { max: 1000 }),
    maxVersion: whole(fields, 'max_version', { max: 1000 }),
    agentId,
    publicKey: bytes(fields, 'public_key', 32),
    nonce: bytes(fields, 'nonce', 32),
    instance: text(fields, 'instance', 64),
    limits: limitsFrom(fields),
    ...(tokenId !== undefined && { tokenId }),
    ...(software !== undefined && { software }),
  };
}

/** Writes CHALLENGE. */
export function writeChallenge(challenge: Challenge): Uint8Array {
  return frame(frameType.challenge, {
    version: challenge.version,
    server_key: toBase64Url(challenge.serverKey),
    nonce: toBase64Url(challenge.nonce),
    signature: toBase64Url(challenge.signature),
    token_proof: challenge.tokenProof && toBase64Url(challenge.tokenProof),
  });
}

/** Reads CHALLENGE. */
export function parseChallenge(message: Uint8Array): Challenge {
  const fields = payloadOf(message, frameType.challenge);
  return {
    version: whole(fields, 'version', { max: 1000 }),
    serverKey: bytes(fields, 'server_key', 32),
    nonce: bytes(fields, 'nonce', 32),
    signature: bytes(fields, 'signature', 64),
    ...tokenProofFrom(fields),
  };
}

/** Writes PROOF. */
export function writeProof({ signature, tokenProof, resume }: Proof): Uint8Array {
  return frame(frameType.proof, {
    signature: toBase64Url(signature),
    token_proof: tokenProof && toBase64Url(tokenProof),
    resume,
  });
}

/** Reads PROOF. */
export function parseProof(message: Uint8Array): Proof {
  const fields = payloadOf(message, frameType.proof);
  const proof = { signature: bytes(fields, 'signature', 64), ...tokenProofFrom(fields) };
  if (fields['resume'] === undefined) return proof;
  const resume = asObject(fields['resume'], 'resume');
  return { ...proof, resume: { session: text(resume, 'session', 64), received: whole(resume, 'received') } };
}

/** Writes WELCOME. */
export function writeWelcome({ session, resumed, received, epoch, graceMs, limits }: Welcome): Uint8Array {
  return frame(frameType.welcome, {
    session,
    resumed,
    received,
    epoch,
    grace_ms: graceMs,
    limits: limitsToJson(limits),
  });
}

/** Reads WELCOME. */
export function parseWelcome(message: Uint8Array): Welcome {
  const fields = payloadOf(message, frameType.welcome);
  return {
    session: text(fields, 'session', 64),
    resumed: flag(fields, 'resumed'),
    received: whole(fields, 'received'),
    epoch: whole(fields, 'epoch'),
    graceMs: whole(fields, 'grace_ms', { max: 86_400_000 }),
    limits: limitsFrom(fields),
  };
}

/** Writes REFUSED. */
export function writeRefused({ reason, message, retryAfterMs }: Refused): Uint8Array {
  return frame(frameType.refused, { reason, message, retry_after_ms: retryAfterMs });
}

/** Reads REFUSED. */
export function parseRefused(message: Uint8Array): Refused {
  const fields = payloadOf(message, frameType.refused);
  return {
    reason: oneOf(fields, 'reason', refusals),
    message: text(fields, 'message', 500),
    retryAfterMs: optionalWhole(fields, 'retry_after_ms', { max: 86_400_000 }) ?? 0,
  };
}

/** Type of the one frame in a message of the handshake; `malformed` where it is not one. */
export function handshakeType(message: Uint8Array): number {
  return headerOf(message).type;
}

function frame(type: number, fields: object): Uint8Array {
  return makeFrame(type, 0, writeJson(fields));
}

function headerOf(message: Uint8Array): FrameHeader {
  const header: FrameHeader = { type: 0, flags: 0, length: 0, channel: 0 };
  readFrameHeader(message, 0, header);
  if (headerBytes + header.length !== message.length) throw wrongField('its length');
  return header;
}

function payloadOf(message: Uint8Array, type: number): JsonObject {
  if (headerOf(message).type !== type) throw wrongField('its type');
  return parseJsonObject(message.subarray(headerBytes));
}

function bytes(fields: JsonObject, name: string, length: number): Uint8Array {
  const value = fromBase64Url(text(fields, name, 200));
  if (value.length !== length) throw wrongField(name);
  return value;
}

function tokenProofFrom(fields: JsonObject): { tokenProof?: Uint8Array } {
  return fields['token_proof'] === undefined ? {} : { tokenProof: bytes(fields, 'token_proof', 32) };
}

function limitsToJson(limits: AnnouncedLimits): object {
  return {
    max_channels: limits.maxChannels,
    initial_window: limits.initialWindowBytes,
    session_window: limits.sessionBytes,
  };
}

function limitsFrom(fields: JsonObject): AnnouncedLimits {
  const limits = asObject(fields['limits'], 'limits');
  return {
    maxChannels: whole(limits, 'max_channels', { min: 1, max: 65_536 }),
    initialWindowBytes: whole(limits, 'initial_window', { min: 1024, max: 0x1000_0000 }),
    sessionBytes: whole(limits, 'session_window', { min: 1024, max: 0x1_0000_0000 }),
  };
}

function wrongField(name: string): WatchpostError {
  return new WatchpostError(`A handshake message of the tunnel cannot be used: ${name} is wrong`, {
    kind: 'malformed',
    code: 'TUNNEL_HANDSHAKE',
  });
}
