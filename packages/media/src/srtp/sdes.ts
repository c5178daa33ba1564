import { toBase64 } from '@watchpost/base/base64.ts';
import { concatBytes } from '@watchpost/base/bytes.ts';
import { malformed } from '../codec/malformed.ts';
import { fromBase64 } from './base64.ts';
import { keysUnsupported } from './errors.ts';
import { type SrtpKey, type SrtpKeys, type SrtpPolicy, saltBytesOf } from './keys.ts';

type Suite = Pick<SrtpPolicy, 'cipher' | 'keyBytes' | 'rtpTagBytes' | 'rtcpTagBytes'>;

/** RTCP has the long tag with all those in counter mode (RFC 4568 §6.2, RFC 6188 §4); RFC 7714 §14.1. */
const suites: Readonly<Record<string, Suite>> = {
  AES_CM_128_HMAC_SHA1_80: { cipher: 'aes-cm', keyBytes: 16, rtpTagBytes: 10, rtcpTagBytes: 10 },
  AES_CM_128_HMAC_SHA1_32: { cipher: 'aes-cm', keyBytes: 16, rtpTagBytes: 4, rtcpTagBytes: 10 },
  AES_256_CM_HMAC_SHA1_80: { cipher: 'aes-cm', keyBytes: 32, rtpTagBytes: 10, rtcpTagBytes: 10 },
  AES_256_CM_HMAC_SHA1_32: { cipher: 'aes-cm', keyBytes: 32, rtpTagBytes: 4, rtcpTagBytes: 10 },
  AEAD_AES_128_GCM: { cipher: 'aes-gcm', keyBytes: 16, rtpTagBytes: 16, rtcpTagBytes: 16 },
  AEAD_AES_256_GCM: { cipher: 'aes-gcm', keyBytes: 32, rtpTagBytes: 16, rtcpTagBytes: 16 },
};
const maxKeys = 16;
const maxMkiBytes = 128;

/**
 * Reads the value of `a=crypto` (RFC 4568 §9): `1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^20|1:4`. Throws `malformed`
 * (`SDES_MALFORMED`), or `unsupported` (`SRTP_KEYS_UNSUPPORTED`) for other suites and for parameters that change what
 * packets look like.
 */
export function parseSdes(value: string): SrtpKeys {
  const [, name = '', keyText = '', ...parameters] = value.trim().split(/\s+/);
  const suite = suites[name.toUpperCase()];
  if (suite === undefined) throw keysUnsupported(`${name.slice(0, 40) || 'no suite'} of a=crypto`);
  const flags = new Set(parameters.map((parameter) => parameter.toUpperCase()));
  for (const flag of flags)
    if (!/^(UNENCRYPTED_SRTC?P|WSH=\d+|KDR=0|-.*)$/.test(flag))
      throw keysUnsupported(`${flag.slice(0, 40)} of a=crypto`);
  if (suite.cipher === 'aes-gcm' && flags.has('UNENCRYPTED_SRTP'))
    throw keysUnsupported('UNENCRYPTED_SRTP and AES-GCM in one a=crypto');
  const texts = keyText.split(';');
  if (texts.length > maxKeys) throw malformed('SDES_MALFORMED', 'Too many keys in one a=crypto.');
  const keys = texts.map((text) => parseKey(text, suite));
  if (keys.some(({ mki }) => mki.length !== keys[0]!.mki.length || (keys.length > 1 && mki.length === 0)))
    throw malformed('SDES_MALFORMED', 'Several keys in one a=crypto need identifiers of one length.');
  return {
    policy: {
      ...suite,
      encryptsRtp: !flags.has('UNENCRYPTED_SRTP'),
      encryptsRtcp: !flags.has('UNENCRYPTED_SRTCP'),
    },
    keys,
    rollOvers: new Map(),
  };
}

/** Writes the value of an `a=crypto` that `parseSdes` reads. Throws for a policy that no suite has. */
export function writeSdes({ policy, keys }: SrtpKeys): string {
  const found = Object.entries(suites).find(
    ([, { cipher, keyBytes, rtpTagBytes }]) =>
      cipher === policy.cipher && keyBytes === policy.keyBytes && rtpTagBytes === policy.rtpTagBytes,
  );
  if (found === undefined) throw keysUnsupported(`tags of ${policy.rtpTagBytes} bytes`);
  const texts = keys.map(({ masterKey, masterSalt, mki }) => {
    const number = mki.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    const identifier = mki.length === 0 ? '' : `|${number}:${mki.length}`;
    return `inline:${toBase64(concatBytes([masterKey, masterSalt]))}${identifier}`;
  });
  const flags = `${policy.encryptsRtp ? '' : ' UNENCRYPTED_SRTP'}${policy.encryptsRtcp ? '' : ' UNENCRYPTED_SRTCP'}`;
  return `1 ${found[0]} ${texts.join(';')}${flags}`;
}

/** `inline:` key and salt, lifetime and MKI in either order, both of which may be missing (RFC 4568 §6.1). */
function parseKey(text: string, { cipher, keyBytes }: Suite): SrtpKey {
  const wholeBytes = keyBytes + saltBytesOf(cipher);
  const [, body] = /^inline:(.*)$/i.exec(text) ?? [];
  if (body === undefined) throw malformed('SDES_MALFORMED', 'A key of a=crypto is not inline.');
  const [base64 = '', ...rest] = body.split('|');
  const bytes = fromBase64(base64);
  if (bytes?.length !== wholeBytes)
    throw malformed('SDES_MALFORMED', `A key of a=crypto has ${bytes?.length ?? 0} bytes where ${wholeBytes} belong.`);
  const mki = rest.find((part) => part.includes(':'));
  return { masterKey: bytes.slice(0, keyBytes), masterSalt: bytes.slice(keyBytes), mki: parseMki(mki) };
}

function parseMki(text: string | undefined): Uint8Array {
  if (text === undefined) return new Uint8Array(0);
  const [, digits, length] = /^(\d{1,310}):(\d{1,3})$/.exec(text) ?? [];
  if (digits === undefined || Number(length) < 1 || Number(length) > maxMkiBytes)
    throw malformed('SDES_MALFORMED', 'The identifier of a key of a=crypto cannot be read.');
  const mki = new Uint8Array(Number(length));
  let number = BigInt(digits);
  for (let i = mki.length - 1; i >= 0; i--, number >>= 8n) mki[i] = Number(number & 255n);
  if (number > 0n) throw malformed('SDES_MALFORMED', 'The identifier of a key of a=crypto is too large.');
  return mki;
}
