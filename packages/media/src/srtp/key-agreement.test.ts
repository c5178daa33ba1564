import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { toBase64 } from '@watchpost/base/base64.ts';
import { fromHex, toHex } from '@watchpost/base/bytes.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { parseKeyMgmtAttribute, parseKeyMgmtHeader, writeKeyMgmtHeader } from './key-management.ts';
import { defaultPolicy, type SrtpKeys } from './keys.ts';
import { type MikeyMessage, parseMikey, writeMikey } from './mikey.ts';
import { createMikey, echoMikey, keysOfMikey } from './mikey-keys.ts';
import { parseSdes, writeSdes } from './sdes.ts';

const crypto = {
  random: (bytes: number) => new Uint8Array(randomBytes(bytes)),
  aes: () => assert.fail(),
  hmacSha1: () => assert.fail(),
  aesGcm: () => assert.fail(),
};
const none = new Uint8Array(0);

/** From the description of GStreamer 1.22's RTSP server. */
const gstreamer =
  'mikey AQAFACbQHoABAACp8CmCAAAAAAsA7qvh6iaxs2sKEN3HddJlkoNMxEMm6DcBU+YBAAAAFQABAQEBEAIBAQMBCgcBAQgBAQoBAQAAACIAIAAetlK3j+qokHgcW4KkizbAHF1pRl8IKN101DA0OwT1AA==';
/** `gst_mikey_message_new_from_caps` of GStreamer 1.22, `srtp-key` 0102030405…, `srtp-auth=null` and `hmac-sha1-32`. */
const gstreamerGcm128 =
  'AQAFAM6M2a8AAAsA7qwKdsNCqp8KEB3CJUJmnoOTMe4c+MjGIugBAAAAFQABBgEBEAIBAAMBAAcBAQgBAQoBAQAAACAAIAAcAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHAA=';
const gstreamerGcm256 =
  'AQAFAHUa4BMAAAsA7qwKdsNOZb4KEGDvNqOtVlRmYQe64EyAFIYBAAAAFQABBgEBIAIBAAMBAAcBAQgBAQoBAQAAADAAIAAsAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywA';
const gstreamerCm256 =
  'AQAFAMnpECMAAAsA7qwKdsNRrJoKEL4SceP8moKJwV2dLRFBWCUBAAAAFQABAQEBIAIBAQMBBAcBAQgBAQoBAQAAADIAIAAuAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLgA=';
const gcm = { cipher: 'aes-gcm', rtpTagBytes: 16, rtcpTagBytes: 16 } as const;
/** The example of the ONVIF Streaming Specification: what a client says in SETUP. */
const onvif =
  'prot=mikey;uri="";data="AQAFAP1td9ABAADCD1UcAAAAAAoAAdOOGc75XD0BAAAAGAABAQEBEAIBAQMBFAcBAQgBAQoBAQsBCgAAACcAIQAe30C59UrClE0e27UP5h/Wty9UL8+dfzg+2ttmmo3kBAAAAC8A"';

test("GStreamer's message is read, and written again byte for byte", () => {
  const message = parseKeyMgmtAttribute(gstreamer)!;
  assert.deepEqual(keysOfMikey(message), {
    policy: defaultPolicy,
    keys: [
      {
        masterKey: fromHex('b652b78feaa890781c5b82a48b36c01c'),
        masterSalt: fromHex('5d69465f0828dd74d430343b04f5'),
        mki: none,
      },
    ],
    rollOvers: new Map([[0xa9f02982, 0]]),
  });
  assert.equal(toBase64(writeMikey(message)), gstreamer.slice('mikey '.length));
});

test('messages of GStreamer about AES-GCM and AES-256 are read, and written again byte for byte', () => {
  const policies: [bytes: number, text: string, policy: Partial<SrtpKeys['policy']>][] = [
    [16, gstreamerGcm128, gcm],
    [32, gstreamerGcm256, { ...gcm, keyBytes: 32 }],
    [32, gstreamerCm256, { keyBytes: 32, rtpTagBytes: 4, rtcpTagBytes: 4 }],
  ];
  for (const [keyBytes, text, policy] of policies) {
    const message = parseKeyMgmtAttribute(`mikey ${text}`)!;
    const whole = Uint8Array.from({ length: keyBytes + (policy.cipher === 'aes-gcm' ? 12 : 14) }, (_, i) => i + 1);
    assert.deepEqual(keysOfMikey(message), {
      policy: { ...defaultPolicy, ...policy },
      keys: [{ masterKey: whole.slice(0, keyBytes), masterSalt: whole.slice(keyBytes), mki: none }],
      rollOvers: new Map(),
    });
    assert.equal(toBase64(writeMikey(message)), text);
  }
});

test("ONVIF's example of a client's message is read, and written again byte for byte", () => {
  const message = parseKeyMgmtHeader(onvif)!;
  assert.deepEqual(keysOfMikey(message), {
    policy: defaultPolicy,
    keys: [
      {
        masterKey: fromHex('df40b9f54ac2944d1edbb50fe61fd6b7'),
        masterSalt: fromHex('2f542fcf9d7f383edadb669a8de4'),
        mki: fromHex('0000002f'),
      },
    ],
    rollOvers: new Map([[0xc20f551c, 0]]),
  });
  assert.equal(writeKeyMgmtHeader(message, ''), onvif);
});

test('parseMikey(writeMikey(x)) equals x', () => {
  const base = { bundle: 0xfedcba98, timestamp: [0xe6000000, 0x80000000] } as const;
  const messages: MikeyMessage[] = [
    { ...base, sessions: [], policies: new Map(), keys: [] },
    {
      ...base,
      sessions: [
        { policy: 0, ssrc: 0, rollOver: 0 },
        { policy: 1, ssrc: 0xffffffff, rollOver: 0xfffffffe },
      ],
      rand: randomBytes(16),
      policies: new Map([
        [0, new Map([[1, Uint8Array.of(16)]])],
        [1, new Map([[6, fromHex('01000000')]])],
      ]),
      keys: [
        { kind: 'tek', key: randomBytes(30), spi: fromHex('00000001') },
        { kind: 'tek', key: randomBytes(16), salt: randomBytes(14), spi: fromHex('00000002') },
        { kind: 'tgk', key: randomBytes(16) },
      ],
    },
  ];
  for (const message of messages) assert.deepEqual(plain(parseMikey(writeMikey(message))), plain(message));
});

/** Views and copies alike. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, inner) =>
      inner instanceof Map
        ? [...inner]
        : inner?.type === 'Buffer'
          ? toHex(Uint8Array.from(inner.data))
          : inner instanceof Uint8Array
            ? toHex(inner)
            : inner,
    ),
  );
}

test('keys of our own have an identifier of four bytes, and our SSRC', () => {
  const message = parseMikey(writeMikey(createMikey(crypto, 0x01020304, Date.UTC(2026, 0, 1))));
  const { policy, keys, rollOvers } = keysOfMikey(message);
  assert.deepEqual(policy, defaultPolicy);
  assert.deepEqual(
    keys.map(({ masterKey, masterSalt, mki }) => [masterKey.length, masterSalt.length, mki.length]),
    [[16, 14, 4]],
  );
  assert.deepEqual([...rollOvers], [[0x01020304, 0]]);
  assert.equal(message.timestamp[0], 2_208_988_800 + Date.UTC(2026, 0, 1) / 1000);
  assert.equal(message.rand?.length, 16);
});

test("the camera's keys are told back with our SSRC", () => {
  const message = parseKeyMgmtAttribute(gstreamer)!;
  const echoed = parseMikey(writeMikey(echoMikey(message, 5)));
  assert.deepEqual(echoed.sessions, [{ policy: 0, ssrc: 5, rollOver: 0 }]);
  assert.deepEqual(keysOfMikey(echoed).keys, keysOfMikey(message).keys);
});

const tek = { kind: 'tek', key: new Uint8Array(30) } as const;
const messageOf = (parameters: [number, number[]][], keys: MikeyMessage['keys'] = [tek]): MikeyMessage => ({
  ...{ bundle: 1, sessions: [{ policy: 3, ssrc: 1, rollOver: 2 }], timestamp: [0, 0], keys },
  policies: new Map([[3, new Map(parameters.map(([type, value]) => [type, Uint8Array.from(value)]))]]),
});

test('a policy says how packets are protected', () => {
  const cases: [parameters: [number, number[]][], expected: Partial<SrtpKeys['policy']>][] = [
    [[], {}],
    [[[11, [4]]], { rtpTagBytes: 4, rtcpTagBytes: 4 }],
    // GStreamer names the tag where the key belongs.
    [[[3, [4]]], { rtpTagBytes: 4, rtcpTagBytes: 4 }],
    [[[3, [10]]], {}],
    [
      [
        [3, [20]],
        [11, [0, 10]],
      ],
      {},
    ],
    [[[7, [0]]], { encryptsRtp: false }],
    [[[8, [0]]], { encryptsRtcp: false }],
    [[[0, [0]]], { encryptsRtp: false, encryptsRtcp: false }],
    [
      [
        [6, [0, 0]],
        [4, [14]],
        [5, [0]],
        [9, [0]],
      ],
      {},
    ],
  ];
  for (const [parameters, expected] of cases) {
    const { policy, rollOvers } = keysOfMikey(messageOf(parameters));
    assert.deepEqual(policy, { ...defaultPolicy, ...expected });
    assert.deepEqual([...rollOvers], [[1, 2]]);
  }
  assert.equal(keysOfMikey(messageOf([[1, [32]]], [{ kind: 'tek', key: new Uint8Array(46) }])).policy.keyBytes, 32);
  const apart = keysOfMikey(
    messageOf([], [{ kind: 'tek', key: new Uint8Array(16), salt: new Uint8Array(14).fill(1) }]),
  );
  assert.equal(toHex(apart.keys[0]!.masterSalt), '01'.repeat(14));
});

test('what cannot be done, and what contradicts itself, is an error with a next step', () => {
  const cases: [MikeyMessage, code: string][] = [
    [messageOf([[0, [2]]]), 'SRTP_KEYS_UNSUPPORTED'],
    [messageOf([[0, [5]]]), 'SRTP_KEYS_UNSUPPORTED'],
    [
      messageOf([
        [0, [6]],
        [7, [0]],
      ]),
      'SRTP_KEYS_UNSUPPORTED',
    ],
    [
      messageOf([
        [0, [6]],
        [20, [8]],
      ]),
      'SRTP_KEYS_UNSUPPORTED',
    ],
    [
      messageOf([
        [0, [6]],
        [4, [14]],
      ]),
      'SRTP_KEYS_UNSUPPORTED',
    ],
    [messageOf([[0, [6]]]), 'MIKEY_KEYS'],
    [messageOf([[2, [0]]]), 'SRTP_KEYS_UNSUPPORTED'],
    [messageOf([[10, [0]]]), 'SRTP_KEYS_UNSUPPORTED'],
    [messageOf([[6, [4, 0]]]), 'SRTP_KEYS_UNSUPPORTED'],
    [messageOf([[1, [24]]]), 'SRTP_KEYS_UNSUPPORTED'],
    [messageOf([[4, [12]]]), 'SRTP_KEYS_UNSUPPORTED'],
    [messageOf([[11, [16]]]), 'SRTP_KEYS_UNSUPPORTED'],
    [messageOf([], [{ kind: 'tgk', key: new Uint8Array(30) }]), 'SRTP_KEYS_UNSUPPORTED'],
    [messageOf([], []), 'MIKEY_KEYS'],
    [messageOf([[1, [32]]]), 'MIKEY_KEYS'],
    [messageOf([], [{ kind: 'tek', key: new Uint8Array(16) }]), 'MIKEY_KEYS'],
    [messageOf([], [tek, { ...tek, spi: Uint8Array.of(1) }]), 'MIKEY_KEYS'],
  ];
  for (const [message, code] of cases)
    assert.throws(
      () => keysOfMikey(message),
      (error: WatchpostError) => error.code === code && / — |MIKEY/.test(error.message),
    );
});

test('messages that end too early, of other versions or modes, are refused', () => {
  const whole = writeMikey(parseKeyMgmtAttribute(gstreamer)!);
  for (let length = 0; length < whole.length; length++)
    assert.throws(() => parseMikey(whole.slice(0, length)), { code: 'MIKEY_TRUNCATED' }, `${length} bytes`);
  const changed = (at: number, value: number) => {
    const bytes = whole.slice();
    bytes[at] = value;
    return () => parseMikey(bytes);
  };
  assert.throws(changed(0, 2), { code: 'MIKEY_VERSION' });
  assert.throws(changed(1, 2), { code: 'MIKEY_UNSUPPORTED' });
  assert.throws(changed(2, 3), { code: 'MIKEY_UNSUPPORTED' });
  assert.throws(changed(9, 1), { code: 'MIKEY_UNSUPPORTED' });
  // Keys that are encrypted with AES.
  assert.throws(changed(whole.length - 38, 1), { code: 'MIKEY_UNSUPPORTED' });
  assert.throws(() => parseMikey(new Uint8Array(9000)), { code: 'MIKEY_TOO_LARGE' });
  assert.throws(() => parseKeyMgmtAttribute('mikey ???'), { code: 'MIKEY_BASE64' });
  assert.equal(parseKeyMgmtAttribute('kerberos AAAA'), undefined);
  assert.equal(parseKeyMgmtHeader('prot=kerberos;data="AAAA"'), undefined);
});

test('payloads that say nothing here are passed over', () => {
  const message = parseKeyMgmtAttribute(gstreamer)!;
  const bytes = writeMikey(message);
  // After the header: an identity, a certificate, an extension; the time of a counter; and a check at the end.
  const more = fromHex('07 01 0002 6161 15 00 0001 00 05 01 0003 616263');
  const whole = Uint8Array.from([...bytes.subarray(0, 2), 6, ...bytes.subarray(3, 19), ...more, ...bytes.subarray(19)]);
  assert.deepEqual(keysOfMikey(parseMikey(whole)), keysOfMikey(message));
});

test('a=crypto is read in all its forms, and what is written reads back', () => {
  const inline = `inline:${toBase64(Uint8Array.from({ length: 30 }, (_, i) => i))}`;
  const base = {
    masterKey: Uint8Array.from({ length: 16 }, (_, i) => i),
    masterSalt: Uint8Array.from({ length: 14 }, (_, i) => 16 + i),
    mki: none,
  };
  const short = { ...defaultPolicy, rtpTagBytes: 4 };
  const cases: [value: string, expected: Omit<SrtpKeys, 'rollOvers'>][] = [
    [`1 AES_CM_128_HMAC_SHA1_80 ${inline}`, { policy: defaultPolicy, keys: [base] }],
    [
      `1 AES_CM_128_HMAC_SHA1_80 ${inline}|2^31|1:1`,
      { policy: defaultPolicy, keys: [{ ...base, mki: Uint8Array.of(1) }] },
    ],
    [`2 AES_CM_128_HMAC_SHA1_32 ${inline}|1:4`, { policy: short, keys: [{ ...base, mki: fromHex('00000001') }] }],
    [
      `2 aes_cm_128_hmac_sha1_32 ${inline}|2^20 WSH=64 UNENCRYPTED_SRTCP`,
      { policy: { ...short, encryptsRtcp: false }, keys: [base] },
    ],
    [
      `1 AES_CM_128_HMAC_SHA1_80 ${inline}|258:2;${inline}|2^20|3:2 UNENCRYPTED_SRTP`,
      {
        policy: { ...defaultPolicy, encryptsRtp: false },
        keys: [
          { ...base, mki: fromHex('0102') },
          { ...base, mki: fromHex('0003') },
        ],
      },
    ],
    [
      `1 AES_256_CM_HMAC_SHA1_80 inline:${toBase64(new Uint8Array(46))}`,
      {
        policy: { ...defaultPolicy, keyBytes: 32 },
        keys: [{ masterKey: new Uint8Array(32), masterSalt: new Uint8Array(14), mki: none }],
      },
    ],
    [
      `1 AEAD_AES_128_GCM inline:${toBase64(new Uint8Array(28))}|2^48 UNENCRYPTED_SRTCP`,
      {
        policy: { ...defaultPolicy, ...gcm, encryptsRtcp: false },
        keys: [{ masterKey: new Uint8Array(16), masterSalt: new Uint8Array(12), mki: none }],
      },
    ],
    [
      `1 AEAD_AES_256_GCM inline:${toBase64(new Uint8Array(44))}|1:4`,
      {
        policy: { ...defaultPolicy, ...gcm, keyBytes: 32 },
        keys: [{ masterKey: new Uint8Array(32), masterSalt: new Uint8Array(12), mki: fromHex('00000001') }],
      },
    ],
  ];
  for (const [value, expected] of cases) {
    const keys = parseSdes(value);
    assert.deepEqual(keys, { ...expected, rollOvers: new Map() }, value);
    assert.deepEqual(parseSdes(writeSdes(keys)), keys, value);
  }
});

test('a=crypto that cannot be used is an error', () => {
  const inline = `inline:${toBase64(new Uint8Array(30))}`;
  const cases: [value: string, code: string][] = [
    ['', 'SRTP_KEYS_UNSUPPORTED'],
    [`1 F8_128_HMAC_SHA1_80 ${inline}`, 'SRTP_KEYS_UNSUPPORTED'],
    [`1 AEAD_AES_128_GCM ${inline}`, 'SDES_MALFORMED'],
    [`1 AEAD_AES_128_GCM ${inline} UNENCRYPTED_SRTP`, 'SRTP_KEYS_UNSUPPORTED'],
    [`1 AEAD_AES_128_GCM_8 ${inline}`, 'SRTP_KEYS_UNSUPPORTED'],
    [`1 AES_CM_128_HMAC_SHA1_80 ${inline} UNAUTHENTICATED_SRTP`, 'SRTP_KEYS_UNSUPPORTED'],
    [`1 AES_CM_128_HMAC_SHA1_80 ${inline} KDR=12`, 'SRTP_KEYS_UNSUPPORTED'],
    ['1 AES_CM_128_HMAC_SHA1_80', 'SDES_MALFORMED'],
    ['1 AES_CM_128_HMAC_SHA1_80 inline:AAAA', 'SDES_MALFORMED'],
    ['1 AES_CM_128_HMAC_SHA1_80 inline:????', 'SDES_MALFORMED'],
    [`1 AES_CM_128_HMAC_SHA1_80 ${inline}|1:0`, 'SDES_MALFORMED'],
    [`1 AES_CM_128_HMAC_SHA1_80 ${inline}|256:1`, 'SDES_MALFORMED'],
    [`1 AES_CM_128_HMAC_SHA1_80 ${inline}|x:1`, 'SDES_MALFORMED'],
    [`1 AES_CM_128_HMAC_SHA1_80 ${inline};${inline}`, 'SDES_MALFORMED'],
    [`1 AES_CM_128_HMAC_SHA1_80 ${Array(17).fill(inline).join(';')}`, 'SDES_MALFORMED'],
  ];
  for (const [value, code] of cases) assert.throws(() => parseSdes(value), { code }, value);
});
