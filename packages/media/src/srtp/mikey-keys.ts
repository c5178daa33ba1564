import { concatBytes, readU32 } from '@watchpost/base/bytes.ts';
import { malformed } from '../codec/malformed.ts';
import { msToNtp } from '../time/ntp.ts';
import type { SrtpCrypto } from './crypto.ts';
import { keysUnsupported } from './errors.ts';
import { defaultPolicy, type SrtpKey, type SrtpKeys, type SrtpPolicy, saltBytesOf } from './keys.ts';
import type { MikeyKey, MikeyMessage, MikeyPolicy } from './mikey.ts';

/** Types of parameters (RFC 3830 §6.10.1, RFC 7714 §14.3). */
const parameter = {
  encryption: 0,
  keyBytes: 1,
  authentication: 2,
  authKeyBytes: 3,
  saltBytes: 4,
  derivationRate: 6,
  encryptsRtp: 7,
  encryptsRtcp: 8,
  signsRtp: 10,
  tagBytes: 11,
  aeadTagBytes: 20,
} as const;
/** Values of `encryption` (RFC 3830 §6.10.1, RFC 7714 §14.3). */
const encryptions = { none: 0, counter: 1, gcm: 6 } as const;
/** Axis, Bosch, Hanwha, i-PRO and Vivotek want keys of a client with an identifier of four bytes (onvif/specs#420). */
const mkiBytes = 4;
const maxMkiBytes = 128;
const randBytes = 16;

/**
 * The keys of a message. Throws `unsupported` (`SRTP_KEYS_UNSUPPORTED`) for what cannot be done with them, `malformed`
 * (`MIKEY_KEYS`) where there are none or their lengths contradict the policy.
 */
export function keysOfMikey(message: MikeyMessage): SrtpKeys {
  const { sessions, policies, keys } = message;
  const number = sessions[0]?.policy ?? 0;
  const policy = policyOf(policies.get(number) ?? [...policies.values()][0] ?? new Map());
  if (keys.length === 0) throw malformed('MIKEY_KEYS', 'A MIKEY message without a key.');
  const masters = keys.map((key) => masterKey(key, policy));
  if (masters.some(({ mki }) => mki.length !== masters[0]!.mki.length))
    throw malformed('MIKEY_KEYS', 'The keys of a MIKEY message have identifiers of different lengths.');
  const rollOvers = new Map(sessions.map(({ ssrc, rollOver }) => [ssrc, rollOver]));
  return { policy, keys: masters, rollOvers };
}

/** The camera's own keys, told back to it as those that our reports (`ssrc`) are protected with. */
export function echoMikey(message: MikeyMessage, ssrc: number): MikeyMessage {
  return { ...message, sessions: [{ policy: message.sessions[0]?.policy ?? 0, ssrc, rollOver: 0 }] };
}

/** Keys of our own, for cameras that want them from the client; `ssrc` is that of our reports. */
export function createMikey(crypto: SrtpCrypto, ssrc: number, wallMs: number): MikeyMessage {
  const { cipher, keyBytes, rtpTagBytes } = defaultPolicy;
  const { seconds, fraction } = msToNtp(wallMs);
  const policy: [number, number][] = [
    [parameter.encryption, encryptions.counter],
    [parameter.keyBytes, keyBytes],
    [parameter.authentication, 1],
    [parameter.authKeyBytes, 20],
    [parameter.encryptsRtp, 1],
    [parameter.encryptsRtcp, 1],
    [parameter.signsRtp, 1],
    [parameter.tagBytes, rtpTagBytes],
  ];
  return {
    bundle: readU32(crypto.random(4), 0),
    sessions: [{ policy: 0, ssrc, rollOver: 0 }],
    timestamp: [seconds, fraction],
    rand: crypto.random(randBytes),
    policies: new Map([[0, new Map(policy.map(([type, value]) => [type, Uint8Array.of(value)]))]]),
    keys: [{ kind: 'tek', key: crypto.random(keyBytes + saltBytesOf(cipher)), spi: crypto.random(mkiBytes) }],
  };
}

function policyOf(parameters: MikeyPolicy): SrtpPolicy {
  const numberOf = (type: number, otherwise: number) => {
    const value = parameters.get(type);
    return value === undefined ? otherwise : value.reduce((sum, byte) => sum * 256 + byte, 0);
  };
  const encryption = numberOf(parameter.encryption, encryptions.counter);
  const isGcm = encryption === encryptions.gcm;
  if (encryption > encryptions.counter && !isGcm)
    throw keysUnsupported(`encryption ${encryption} of MIKEY, which is AES neither in counter mode nor in GCM`);
  // AES-GCM signs by itself.
  if (!isGcm && (numberOf(parameter.authentication, 1) !== 1 || numberOf(parameter.signsRtp, 1) === 0))
    throw keysUnsupported('packets without a signature');
  const rate = numberOf(parameter.derivationRate, 0);
  if (rate !== 0) throw keysUnsupported(`keys that change every ${rate} packets`);
  const cipher = isGcm ? 'aes-gcm' : 'aes-cm';
  const saltBytes = saltBytesOf(cipher);
  const salt = numberOf(parameter.saltBytes, saltBytes);
  if (salt !== saltBytes) throw keysUnsupported(`salts of ${salt} bytes`);
  const keyBytes = numberOf(parameter.keyBytes, 16);
  if (keyBytes !== 16 && keyBytes !== 32) throw keysUnsupported(`keys of ${keyBytes} bytes`);
  const tagBytes = isGcm ? gcmTagBytesOf(numberOf) : counterTagBytesOf(numberOf);
  const encryptsRtp = encryption !== encryptions.none && numberOf(parameter.encryptsRtp, 1) !== 0;
  if (isGcm && !encryptsRtp) throw keysUnsupported('AES-GCM that does not encrypt');
  return {
    ...{ cipher, keyBytes, rtpTagBytes: tagBytes, rtcpTagBytes: tagBytes, encryptsRtp },
    encryptsRtcp: encryption !== encryptions.none && numberOf(parameter.encryptsRtcp, 1) !== 0,
  };
}

type NumberOf = (type: number, otherwise: number) => number;

function gcmTagBytesOf(numberOf: NumberOf): number {
  const tagBytes = numberOf(parameter.aeadTagBytes, 16);
  if (tagBytes !== 16) throw keysUnsupported(`tags of ${tagBytes} bytes`);
  return tagBytes;
}

function counterTagBytesOf(numberOf: NumberOf): number {
  // GStreamer (1.22) writes the length of the tag where that of the key belongs.
  const authKeyBytes = numberOf(parameter.authKeyBytes, 20);
  const tagBytes = numberOf(parameter.tagBytes, authKeyBytes === 4 ? 4 : 10);
  if (tagBytes !== 10 && tagBytes !== 4) throw keysUnsupported(`tags of ${tagBytes} bytes`);
  return tagBytes;
}

function masterKey({ kind, key, salt, spi }: MikeyKey, { cipher, keyBytes }: SrtpPolicy): SrtpKey {
  if (kind === 'tgk') throw keysUnsupported('keys that are to be derived from a TGK');
  // Key and salt in one, or one after the other.
  const whole = salt === undefined ? key : concatBytes([key, salt]);
  const mki = spi ?? new Uint8Array(0);
  const wholeBytes = keyBytes + saltBytesOf(cipher);
  if (whole.length !== wholeBytes || mki.length > maxMkiBytes)
    throw malformed('MIKEY_KEYS', `A MIKEY key of ${whole.length} bytes where ${wholeBytes} belong.`);
  return { masterKey: whole.slice(0, keyBytes), masterSalt: whole.slice(keyBytes), mki: mki.slice() };
}
