import { fromBase64, toBase64 } from '@watchpost/base/base64.ts';
import { toHex } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { md5 } from '@watchpost/base/hash/md5.ts';
import { sha256 } from '@watchpost/base/hash/sha256.ts';

/** User name and password, as the person typed them. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Hash of a digest challenge that we can compute (RFC 7616 §3.3). */
export type DigestAlgorithm = 'MD5' | 'MD5-sess' | 'SHA-256' | 'SHA-256-sess';

/** One challenge of a `WWW-Authenticate` header (RFC 7616 §3.3, RFC 7617 §2). */
export type Challenge =
  | { readonly scheme: 'basic'; readonly realm: string }
  | {
      readonly scheme: 'digest';
      readonly realm: string;
      readonly nonce: string;
      readonly opaque?: string;
      /** As the challenge wrote it; undefined where it said nothing, which means MD5. */
      readonly algorithm?: string;
      /** Empty where the challenge has none (RFC 2069). */
      readonly qop: readonly string[];
      readonly stale: boolean;
    };

const algorithms: readonly DigestAlgorithm[] = ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess'];
const maxChallenges = 16;
const maxParameters = 32;

/** Reads all challenges of all `WWW-Authenticate` values; one value may hold several. Unknown schemes are passed over. */
export function parseChallenges(values: readonly string[]): Challenge[] {
  const challenges: Challenge[] = [];
  for (const value of values) {
    for (const { scheme, parameters } of splitSchemes(value)) {
      if (challenges.length >= maxChallenges) return challenges;
      if (scheme === 'basic') challenges.push({ scheme, realm: parameters['realm'] ?? '' });
      if (scheme !== 'digest' || parameters['nonce'] === undefined) continue;
      challenges.push({
        scheme,
        realm: parameters['realm'] ?? '',
        nonce: parameters['nonce'],
        ...(parameters['opaque'] === undefined ? {} : { opaque: parameters['opaque'] }),
        ...(parameters['algorithm'] === undefined ? {} : { algorithm: parameters['algorithm'] }),
        qop: (parameters['qop'] ?? '')
          .split(',')
          .map((part) => part.trim().toLowerCase())
          .filter((part) => part !== ''),
        stale: parameters['stale']?.toLowerCase() === 'true',
      });
    }
  }
  return challenges;
}

/** The strongest challenge we can answer: SHA-256, then MD5, then Basic; undefined if there is none. */
export function chooseChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  let best: Challenge | undefined;
  let bestRank = 0;
  for (const challenge of challenges) {
    const rank = rankOf(challenge);
    if (rank > bestRank) {
      best = challenge;
      bestRank = rank;
    }
  }
  return best;
}

/** What an `Authorization` value is made for. */
export interface AuthorizationRequest {
  readonly method: string;
  /** Request URL as the request line has it, without credentials. */
  readonly url: string;
  readonly credentials: Credentials;
  /** Counts the uses of this nonce, from 1. */
  readonly nonceCount?: number;
  /** Client nonce; a random one if not given. */
  readonly cnonce?: string;
}

/**
 * The value of an `Authorization` header. `algorithm` is echoed only where the challenge had it (TP-Link answers 401
 * otherwise); `qop` is answered with `auth` where it was offered.
 */
export function writeAuthorization(challenge: Challenge, request: AuthorizationRequest): string {
  const { credentials } = request;
  if (challenge.scheme === 'basic')
    return `Basic ${toBase64(new TextEncoder().encode(`${credentials.username}:${credentials.password}`))}`;
  const qop = challenge.qop.includes('auth') ? 'auth' : undefined;
  const algorithm = algorithmOf(challenge.algorithm) ?? 'MD5';
  const cnonce = request.cnonce ?? (qop || algorithm.endsWith('-sess') ? randomHex(8) : '');
  const nc = (request.nonceCount ?? 1).toString(16).padStart(8, '0');
  const ha1 = hashA1(algorithm, { realm: challenge.realm, nonce: challenge.nonce, cnonce, credentials });
  const response = digestResponse(algorithm, { ...request, ha1, nonce: challenge.nonce, cnonce, nc, qop });
  let value =
    `Digest username="${quote(credentials.username)}", realm="${quote(challenge.realm)}", ` +
    `nonce="${quote(challenge.nonce)}", uri="${quote(request.url)}", response="${response}"`;
  if (challenge.algorithm !== undefined) value += `, algorithm=${challenge.algorithm}`;
  if (challenge.opaque !== undefined) value += `, opaque="${quote(challenge.opaque)}"`;
  if (qop) value += `, qop=${qop}, nc=${nc}`;
  if (cnonce) value += `, cnonce="${cnonce}"`;
  return value;
}

/** What an `Authorization` header claims, before anything is checked. */
export interface Authorization {
  readonly scheme: 'basic' | 'digest';
  readonly username: string;
  /** Basic only. */
  readonly password?: string;
  /** Digest only: the parameters, names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Reads an `Authorization` value; undefined for a scheme we do not know or what cannot be read. */
export function parseAuthorization(value: string): Authorization | undefined {
  const basic = /^basic\s+(\S+)\s*$/i.exec(value);
  if (basic) {
    const text = textOfBase64(basic[1]!);
    const colon = text?.indexOf(':') ?? -1;
    if (text === undefined || colon < 0) return undefined;
    return { scheme: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1), parameters: {} };
  }
  const digest = splitSchemes(value).find((part) => part.scheme === 'digest');
  const username = digest?.parameters['username'];
  return digest && username !== undefined ? { scheme: 'digest', username, parameters: digest.parameters } : undefined;
}

/** What a server knows when it checks a digest. */
export interface DigestCheck {
  readonly method: string;
  /** Request URL as the request line has it. */
  readonly url: string;
  readonly realm: string;
  /** The nonce that this server gave out. */
  readonly nonce: string;
  readonly credentials: Credentials;
  /** Algorithms that this server offered. */
  readonly algorithms: readonly DigestAlgorithm[];
}

/**
 * True if a digest `Authorization` fits (RFC 7616 §3.4). `uri` may be the request URL, its path only (Bosch BVMS), or
 * in a SETUP the URL without its last segment (HappyTime, VLC sign the base URL).
 */
export function verifyDigest(authorization: Authorization, check: DigestCheck): boolean {
  const p = authorization.parameters;
  const algorithm = algorithmOf(p['algorithm']);
  if (authorization.scheme !== 'digest' || !algorithm || !check.algorithms.includes(algorithm)) return false;
  if (p['realm'] !== check.realm || p['nonce'] !== check.nonce || authorization.username !== check.credentials.username)
    return false;
  const uri = p['uri'] ?? '';
  if (!isSameTarget(uri, check.url, check.method)) return false;
  const cnonce = p['cnonce'] ?? '';
  const ha1 = hashA1(algorithm, { realm: check.realm, nonce: check.nonce, cnonce, credentials: check.credentials });
  const qop = p['qop'];
  if (qop !== undefined && qop !== 'auth') return false;
  const expected = digestResponse(algorithm, {
    method: check.method,
    url: uri,
    ha1,
    nonce: check.nonce,
    cnonce,
    nc: p['nc'] ?? '',
    qop,
  });
  return equalInConstantTime(expected, p['response']?.toLowerCase() ?? '');
}

/** Compares without telling by its time how much is right. */
export function equalInConstantTime(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i % Math.max(b.length, 1));
  return difference === 0;
}

/** Lower-case hexadecimal text of `count` random bytes. */
export function randomHex(count: number): string {
  return toHex(crypto.getRandomValues(new Uint8Array(count)));
}

/** Answers challenges for one connection: keeps the chosen challenge and counts its uses. */
export class DigestAnswerer {
  readonly #credentials: Credentials | undefined;
  #challenge: Challenge | undefined;
  #nonceCount = 0;

  constructor(credentials: Credentials | undefined) {
    this.#credentials = credentials;
  }

  /** True once a challenge was accepted. */
  get answering(): boolean {
    return this.#challenge !== undefined;
  }

  /** Takes the challenges of a 401. Returns `stale` if only the nonce was too old, `none` if none can be answered. */
  accept(values: readonly string[]): 'accepted' | 'stale' | 'none' {
    const challenge = chooseChallenge(parseChallenges(values));
    if (!challenge || !this.#credentials) return 'none';
    this.#challenge = challenge;
    this.#nonceCount = 0;
    return challenge.scheme === 'digest' && challenge.stale ? 'stale' : 'accepted';
  }

  /** The `Authorization` for the next request, or undefined before the first challenge. */
  authorize(method: string, url: string): string | undefined {
    if (!this.#challenge || !this.#credentials) return undefined;
    this.#nonceCount += 1;
    return writeAuthorization(this.#challenge, {
      method,
      url,
      credentials: this.#credentials,
      nonceCount: this.#nonceCount,
    });
  }
}

function rankOf(challenge: Challenge): number {
  if (challenge.scheme === 'basic') return 1;
  const algorithm = algorithmOf(challenge.algorithm);
  if (!algorithm || (challenge.qop.length > 0 && !challenge.qop.includes('auth'))) return 0;
  return algorithm.startsWith('SHA') ? 3 : 2;
}

function algorithmOf(name: string | undefined): DigestAlgorithm | undefined {
  if (name === undefined) return 'MD5';
  const wanted = name.toLowerCase().replace(/^sha256/, 'sha-256');
  return algorithms.find((algorithm) => algorithm.toLowerCase() === wanted);
}

function hashA1(
  algorithm: DigestAlgorithm,
  part: { realm: string; nonce: string; cnonce: string; credentials: Credentials },
): string {
  const { username, password } = part.credentials;
  const plain = hash(algorithm, `${username}:${part.realm}:${password}`);
  return algorithm.endsWith('-sess') ? hash(algorithm, `${plain}:${part.nonce}:${part.cnonce}`) : plain;
}

function digestResponse(
  algorithm: DigestAlgorithm,
  part: {
    method: string;
    url: string;
    ha1: string;
    nonce: string;
    cnonce: string;
    nc: string;
    qop: string | undefined;
  },
): string {
  const ha2 = hash(algorithm, `${part.method}:${part.url}`);
  const middle = part.qop ? `${part.nonce}:${part.nc}:${part.cnonce}:${part.qop}` : part.nonce;
  return hash(algorithm, `${part.ha1}:${middle}:${ha2}`);
}

function hash(algorithm: DigestAlgorithm, text: string): string {
  const bytes = new TextEncoder().encode(text);
  return toHex(algorithm.startsWith('SHA') ? sha256(bytes) : md5(bytes));
}

function isSameTarget(uri: string, url: string, method: string): boolean {
  if (uri === url) return true;
  const claimed = pathOf(uri);
  const asked = pathOf(url);
  if (claimed === asked) return true;
  if (method !== 'SETUP') return false;
  const base = asked.replace(/\/[^/]*$/, '');
  return claimed.replace(/\/$/, '') === base;
}

function pathOf(url: string): string {
  return url.replace(/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?]*/, '') || '/';
}

/** Splits `Digest a="b", c=d, Basic realm="x"` into schemes with their parameters. */
function splitSchemes(value: string): { scheme: string; parameters: Record<string, string> }[] {
  const found: { scheme: string; parameters: Record<string, string> }[] = [];
  const token = /([A-Za-z][\w.-]*)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*)))?\s*,?\s*/y;
  let count = 0;
  while (token.lastIndex < value.length && count++ < maxParameters * maxChallenges) {
    const at = token.lastIndex;
    const part = token.exec(value);
    if (!part) {
      token.lastIndex = at + 1;
      continue;
    }
    const [, name, quoted, bare] = part;
    const text = quoted === undefined ? bare : quoted.replaceAll(/\\(.)/g, '$1');
    if (text === undefined) found.push({ scheme: name!.toLowerCase(), parameters: {} });
    else if (found.length > 0) found[found.length - 1]!.parameters[name!.toLowerCase()] = text;
  }
  return found;
}

function quote(text: string): string {
  if (/[\r\n]/.test(text))
    throw new WatchpostError('a user name, password or realm may not hold a line break — check the camera’s settings', {
      kind: 'invalid_argument',
      code: 'RTSP_CREDENTIALS_INVALID',
    });
  return text.replaceAll(/["\\]/g, '\\$&');
}

function textOfBase64(text: string): string | undefined {
  try {
    return new TextDecoder().decode(fromBase64(text));
  } catch {
    return undefined;
  }
}
