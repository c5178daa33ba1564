import { concatBytes, readU16, readU32, writeU16, writeU32 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { malformed } from '../codec/malformed.ts';

/** One crypto session of the SRTP-ID map (RFC 3830 §6.1.1). */
export interface MikeySession {
  /** Number of its security policy. */
  readonly policy: number;
  /** 0 where the sender has not chosen yet. */
  readonly ssrc: number;
  readonly rollOver: number;
}

/** A key data sub-payload (RFC 3830 §6.13). */
export interface MikeyKey {
  /** Keys are derived from a TGK; a TEK is one. */
  readonly kind: 'tgk' | 'tek';
  readonly key: Uint8Array;
  readonly salt?: Uint8Array;
  /** The MKI that packets carry. */
  readonly spi?: Uint8Array;
}

/** Parameters of a security policy for SRTP by their type (RFC 3830 §6.10.1). */
export type MikeyPolicy = ReadonlyMap<number, Uint8Array>;

/** A message that sets keys up, not encrypted: its way has to be (RFC 3830 §3.1, RFC 4567 §4.2 over TLS). */
export interface MikeyMessage {
  /** Identifier of the bundle of crypto sessions. */
  readonly bundle: number;
  readonly sessions: readonly MikeySession[];
  /** NTP time in UTC, as sent. */
  readonly timestamp: readonly [seconds: number, fraction: number];
  readonly rand?: Uint8Array;
  readonly policies: ReadonlyMap<number, MikeyPolicy>;
  /** Empty in an answer. */
  readonly keys: readonly MikeyKey[];
}

const maxBytes = 8192;
const maxPayloads = 64;
const maxKeys = 16;
const macBytes = 20;
const payload = { kemac: 1, timestamp: 5, id: 6, cert: 7, verify: 9, policy: 10, rand: 11, keyData: 20, extension: 21 };
const pskInit = 0;
const pskAnswer = 1;

/** Walks over the bytes of a message; each step is checked against its end. */
class Cursor {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  take(count: number): Uint8Array {
    if (count > this.left) throw malformed('MIKEY_TRUNCATED', 'A MIKEY message ends too early.', { at: this.at });
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  u16(): number {
    return readU16(this.take(2), 0);
  }

  u32(): number {
    return readU32(this.take(4), 0);
  }
}

interface Draft {
  timestamp: readonly [number, number];
  rand?: Uint8Array;
  readonly policies: Map<number, MikeyPolicy>;
  readonly keys: MikeyKey[];
}

/**
 * Reads a MIKEY message (RFC 3830 §6) in pre-shared key mode without encryption, the one that cameras send. Throws
 * `malformed` (`MIKEY_…`), or `unsupported` (`MIKEY_UNSUPPORTED`) for other modes.
 */
export function parseMikey(bytes: Uint8Array): MikeyMessage {
  if (bytes.length > maxBytes) throw malformed('MIKEY_TOO_LARGE', `A MIKEY message of ${bytes.length} bytes.`);
  const cursor = new Cursor(bytes);
  const version = cursor.u8();
  if (version !== 1) throw malformed('MIKEY_VERSION', `MIKEY version ${version} instead of 1.`);
  const type = cursor.u8();
  if (type !== pskInit && type !== pskAnswer) throw unsupported(`messages of type ${type} (public keys)`);
  let next = cursor.u8();
  // Whether an answer is wanted, and the function that derives keys: of no use here.
  cursor.u8();
  const bundle = cursor.u32();
  const count = cursor.u8();
  const mapType = cursor.u8();
  if (mapType !== 0) throw unsupported(`crypto sessions of type ${mapType}`);
  const sessions = Array.from({ length: count }, () => readSession(cursor));
  const draft: Draft = { timestamp: [0, 0], policies: new Map(), keys: [] };
  for (let i = 0; next !== 0; i++) {
    if (i === maxPayloads) throw malformed('MIKEY_TOO_LARGE', 'A MIKEY message of too many payloads.');
    const kind = next;
    next = cursor.u8();
    readPayload(cursor, kind, draft);
  }
  return { bundle, sessions, ...draft };
}

function readSession(cursor: Cursor): MikeySession {
  return { policy: cursor.u8(), ssrc: cursor.u32(), rollOver: cursor.u32() };
}

function readPayload(cursor: Cursor, kind: number, draft: Draft): void {
  if (kind === payload.timestamp) {
    const counter = cursor.u8() === 2;
    draft.timestamp = [cursor.u32(), counter ? 0 : cursor.u32()];
  } else if (kind === payload.rand) draft.rand = cursor.take(cursor.u8());
  else if (kind === payload.policy) readPolicy(cursor, draft.policies);
  else if (kind === payload.kemac) readKemac(cursor, draft.keys);
  else if (kind === payload.id || kind === payload.cert || kind === payload.extension) {
    cursor.u8();
    cursor.take(cursor.u16());
  } else if (kind === payload.verify) cursor.take(cursor.u8() === 0 ? 0 : macBytes);
  else throw unsupported(`payloads of type ${kind}`);
}

function readPolicy(cursor: Cursor, policies: Map<number, MikeyPolicy>): void {
  const number = cursor.u8();
  const protocol = cursor.u8();
  const fields = new Cursor(cursor.take(cursor.u16()));
  const policy = new Map<number, Uint8Array>();
  while (fields.left > 0) policy.set(fields.u8(), fields.take(fields.u8()));
  if (protocol === 0) policies.set(number, policy);
}

function readKemac(cursor: Cursor, keys: MikeyKey[]): void {
  const encryption = cursor.u8();
  const data = new Cursor(cursor.take(cursor.u16()));
  if (cursor.u8() !== 0) cursor.take(macBytes);
  if (encryption !== 0) throw unsupported('keys that are encrypted with a key shared before');
  for (let more = true; more; ) {
    more = data.u8() === payload.keyData;
    if (keys.length === maxKeys) throw malformed('MIKEY_TOO_LARGE', 'A MIKEY message of too many keys.');
    keys.push(readKey(data));
  }
}

function readKey(data: Cursor): MikeyKey {
  const kinds = data.u8();
  const kind = kinds >> 4;
  const validity = kinds & 15;
  if (kind > 3) throw malformed('MIKEY_KEY_TYPE', `A key of type ${kind} in a MIKEY message.`);
  const key = data.take(data.u16());
  const salt = (kind & 1) === 1 ? data.take(data.u16()) : undefined;
  const spi = validity === 1 ? data.take(data.u8()) : undefined;
  if (validity === 2) {
    data.take(data.u8());
    data.take(data.u8());
  }
  return { kind: kind < 2 ? 'tgk' : 'tek', key, ...(salt && { salt }), ...(spi && { spi }) };
}

/** Writes a message so that `parseMikey` reads it; keys of a message have 65 535 bytes together at most. */
export function writeMikey(message: MikeyMessage): Uint8Array {
  const { sessions, policies, rand, keys } = message;
  const head = new Uint8Array(10 + sessions.length * 9);
  head.set([1, pskInit, 0, 0]);
  writeU32(head, 4, message.bundle);
  head[8] = sessions.length;
  for (const [i, { policy, ssrc, rollOver }] of sessions.entries()) {
    head[10 + i * 9] = policy;
    writeU32(head, 11 + i * 9, ssrc);
    writeU32(head, 15 + i * 9, rollOver);
  }
  const time = new Uint8Array(9);
  writeU32(time, 1, message.timestamp[0]);
  writeU32(time, 5, message.timestamp[1]);
  const payloads: [kind: number, body: Uint8Array][] = [[payload.timestamp, time]];
  if (rand) payloads.push([payload.rand, concatBytes([Uint8Array.of(rand.length), rand])]);
  for (const [number, policy] of policies) payloads.push([payload.policy, writePolicy(number, policy)]);
  if (keys.length > 0) payloads.push([payload.kemac, writeKemac(keys)]);
  head[2] = payloads[0]![0];
  const parts: Uint8Array[] = [head];
  for (const [i, [, body]] of payloads.entries()) parts.push(Uint8Array.of(payloads[i + 1]?.[0] ?? 0), body);
  return concatBytes(parts);
}

function writePolicy(number: number, policy: MikeyPolicy): Uint8Array {
  const fields = concatBytes([...policy].map(([type, value]) => Uint8Array.of(type, value.length, ...value)));
  return concatBytes([Uint8Array.of(number, 0), sized(fields)]);
}

function writeKemac(keys: readonly MikeyKey[]): Uint8Array {
  const data = keys.map(({ kind, key, salt, spi }, i) =>
    concatBytes([
      Uint8Array.of(i + 1 < keys.length ? payload.keyData : 0),
      Uint8Array.of(((kind === 'tek' ? 2 : 0) + (salt ? 1 : 0)) * 16 + (spi ? 1 : 0)),
      sized(key),
      ...(salt ? [sized(salt)] : []),
      ...(spi ? [Uint8Array.of(spi.length), spi] : []),
    ]),
  );
  return concatBytes([Uint8Array.of(0), sized(concatBytes(data)), Uint8Array.of(0)]);
}

/** With its length in front, in two bytes. */
function sized(bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(2 + bytes.length);
  writeU16(all, 0, bytes.length);
  all.set(bytes, 2);
  return all;
}

function unsupported(what: string): WatchpostError {
  return new WatchpostError(
    `the camera hands out its keys in a way that is not supported: MIKEY with ${what} — switch SRTP off on the device, or use rtsps:// without it`,
    { kind: 'unsupported', code: 'MIKEY_UNSUPPORTED' },
  );
}
