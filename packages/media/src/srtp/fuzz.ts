import { fromHex } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SrtpCrypto } from './crypto.ts';
import { parseKeyMgmtAttribute, parseKeyMgmtHeader } from './key-management.ts';
import { defaultPolicy, type SrtpKeys, type SrtpPolicy } from './keys.ts';
import { parseMikey, writeMikey } from './mikey.ts';
import { keysOfMikey } from './mikey-keys.ts';
import { parseSdes, writeSdes } from './sdes.ts';
import { SrtpReceiver } from './srtp-receiver.ts';

/** A cipher that does nothing, and a signature of zeros: packets with such a tag get through. */
const noCrypto: SrtpCrypto = {
  aes: () => ({ encrypt: (blocks) => blocks }),
  hmacSha1: () => ({ sign: () => new Uint8Array(20) }),
  aesGcm: () => ({ seal: (_nonce, _head, plain) => plain, open: (_nonce, _head, sealed) => sealed.slice(0, -16) }),
  random: (bytes) => new Uint8Array(bytes),
};
const mikey =
  '01000500 26d01e80 0100 00a9f0298200000000 0b00eeabe1ea26b1b36b 0a10ddc775d26592834cc44326e8370153e6' +
  '010000001500010101011002010103010a0701010801010a01010000002200 20001eb652b78feaa890781c5b82a48b36c01c5d69465f0828dd74d430343b04f500';
const policies: readonly SrtpPolicy[] = [
  { ...defaultPolicy, rtpTagBytes: 4 },
  { ...defaultPolicy, cipher: 'aes-gcm', rtpTagBytes: 16, rtcpTagBytes: 16 },
];
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A message of MIKEY, both forms of it as text, `a=crypto`, and packets. */
export const seeds: readonly Uint8Array[] = [
  fromHex(mikey),
  text('prot=mikey;uri="rtsp://192.0.2.1/a";data="AQAFACbQHoABAACp8CmCAAAAAAsA7qvh6iaxs2sA"'),
  text(`1 AES_CM_128_HMAC_SHA1_32 inline:${'A'.repeat(40)}|2^20|1:4;inline:${'B'.repeat(40)}|2:4 WSH=64`),
  fromHex(`9061000100000001000000070000000 9abac0001 0102030405060708 ${'00'.repeat(14)}`),
  fromHex(`80c800010000000 7 01020304 80000001 ${'00'.repeat(14)}`),
];

/**
 * Fuzz entry: the bytes as a message of MIKEY, as text that carries keys, and as packets under keys with and without an
 * identifier. Throws only `malformed`.
 */
export function fuzz(bytes: Uint8Array): void {
  tolerate(() => {
    const message = parseMikey(bytes);
    parseMikey(writeMikey(message));
    openWith(keysOfMikey(message), bytes);
  });
  const value = new TextDecoder('latin1').decode(bytes.subarray(0, 8192));
  tolerate(() => void parseKeyMgmtHeader(value));
  tolerate(() => void parseKeyMgmtAttribute(value));
  tolerate(() => {
    const keys = parseSdes(value);
    parseSdes(writeSdes(keys));
  });
  const key = { masterKey: new Uint8Array(16), masterSalt: new Uint8Array(12) };
  for (const mki of [new Uint8Array(0), new Uint8Array(4)])
    for (const policy of policies) openWith({ policy, keys: [{ ...key, mki }], rollOvers: new Map() }, bytes);
}

function openWith(keys: SrtpKeys, bytes: Uint8Array): void {
  const receiver = new SrtpReceiver(noCrypto, keys);
  for (const kind of ['rtp', 'rtcp', 'rtp'] as const) {
    const packet = bytes.slice();
    const end =
      kind === 'rtp' ? receiver.openRtp(packet, 0, packet.length) : receiver.openRtcp(packet, 0, packet.length);
    if (end >= packet.length) throw new Error('A packet became no shorter.');
  }
}

function tolerate(parse: () => void): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof WatchpostError) || (error.kind !== 'malformed' && error.kind !== 'unsupported')) throw error;
  }
}
