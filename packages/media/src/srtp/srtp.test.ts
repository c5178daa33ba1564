import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromHex, toHex } from '@watchpost/base/bytes.ts';
import { writeRtpHeader } from '../rtp/packet.ts';
import { parseRtcp } from '../rtp/rtcp.ts';
import { CounterMode } from './counter-mode.ts';
import type { SrtpCrypto } from './crypto.ts';
import { GcmPacketCipher } from './gcm-packet-cipher.ts';
import { defaultPolicy, type SrtpKey, type SrtpKeys, type SrtpPolicy } from './keys.ts';
import { parseSdes, writeSdes } from './sdes.ts';
import { deriveSessionKeys } from './session-keys.ts';
import { type SrtpFault, SrtpReceiver } from './srtp-receiver.ts';
import { SrtpSender } from './srtp-sender.ts';

const crypto: SrtpCrypto = {
  aes: (key) => {
    const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
    return { encrypt: (blocks) => cipher.update(blocks) };
  },
  hmacSha1: (key) => ({ sign: (message) => createHmac('sha1', key).update(message).digest() }),
  aesGcm: (key) => ({
    seal: (nonce, head, plain) => {
      const cipher = createCipheriv(key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm', key, nonce).setAAD(head);
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open: (nonce, head, sealed) => {
      const cipher = createDecipheriv(key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm', key, nonce).setAAD(head);
      const plain = cipher.setAuthTag(sealed.subarray(-16)).update(sealed.subarray(0, -16));
      try {
        return Buffer.concat([plain, cipher.final()]);
      } catch {
        return undefined;
      }
    },
  }),
  random: (bytes) => new Uint8Array(randomBytes(bytes)),
};

const none = new Uint8Array(0);
const key = (hex: string, salt: string, mki: Uint8Array = none): SrtpKey => ({
  ...{ masterKey: fromHex(hex), masterSalt: fromHex(salt), mki },
});
const keysOf = (keys: readonly SrtpKey[], policy: Partial<SrtpPolicy> = {}, rollOvers = new Map()): SrtpKeys => ({
  ...{ policy: { ...defaultPolicy, ...policy }, keys, rollOvers },
});
const gcm: SrtpPolicy = { ...defaultPolicy, cipher: 'aes-gcm', rtpTagBytes: 16, rtcpTagBytes: 16 };
/** Of RFC 3711 appendix B.3. */
const known = key('e1f97a0d3e018be0d64fa32c06de4139', '0ec675ad498afeebb6960b3aabe6');

test('the key stream is that of RFC 3711 §B.2 and RFC 6188 §7.1', () => {
  const cases: [cipherKey: string, blocks: Record<number, string>][] = [
    [
      '2b7e151628aed2a6abf7158809cf4f3c',
      {
        0: 'e03ead0935c95e80e166b16dd92b4eb4',
        1: 'd23513162b02d0f72a43a2fe4a5f97ab',
        2: '41e95b3bb0a2e8dd477901e4fca894c0',
        65279: 'ec8cdf7398607cb0f2d21675ea9ea1e4',
        65280: '362b7c3c6773516318a077d7fc5073ae',
        65281: '6a2cc3787889374fbeb4c81b17ba6c44',
      },
    ],
    [
      '57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98',
      {
        0: '92bdd28a93c3f52511c677d08b5515a4',
        1: '9da71b2378a854f67050756ded165bac',
        2: '63c4868b7096d88421b563b8c94c9a31',
      },
    ],
  ];
  for (const [cipherKey, blocks] of cases) {
    const mode = new CounterMode(crypto.aes(fromHex(cipherKey)));
    mode.iv.set(fromHex('f0f1f2f3f4f5f6f7f8f9fafbfcfd0000'));
    const stream = new Uint8Array(65_282 * 16);
    mode.apply(stream, 0, stream.length);
    for (const [i, block] of Object.entries(blocks))
      assert.equal(toHex(stream.subarray(Number(i) * 16, Number(i) * 16 + 16)), block, `block ${i}`);
  }
});

test('session keys are those of RFC 3711 §B.3 and RFC 6188 §7.2', () => {
  const cases: [SrtpKey, cipherKey: string, salt: string, macKey: string][] = [
    [
      known,
      'c61e7a93744f39ee10734afe3ff7a087',
      '30cbbc08863d8c85d49db34a9ae1',
      'cebe321f6ff7716b6fd4ab49af256a156d38baa4',
    ],
    [
      key('f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6', '3b04803de51ee7c96423ab5b78d2'),
      '5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4',
      'fa31791685ca444a9e07c6c64e93',
      'fd9c32d39ed5fbb5a9dc96b30818454d1313dc05',
    ],
  ];
  for (const [master, cipherKey, salt, macKey] of cases) {
    const derived = deriveSessionKeys(crypto, master, 'rtp');
    assert.deepEqual([toHex(derived.cipherKey), toHex(derived.salt), toHex(derived.macKey)], [cipherKey, salt, macKey]);
  }
});

test('AES-GCM makes the packets of RFC 7714 §16.1, §16.2 and §17.1, and opens them and §17.2', () => {
  const cipherKey = fromHex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
  const salt = fromHex('517569642070726f2071756f');
  const rtp = '8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573';
  const rtcp =
    '81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef';
  const cases: [keyBytes: 16 | 32, plain: string, sealed: string][] = [
    [
      16,
      rtp,
      '8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce',
    ],
    [
      32,
      rtp,
      '8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13',
    ],
    [
      16,
      rtcp,
      '81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4',
    ],
    [
      32,
      rtcp,
      '81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4',
    ],
  ];
  for (const [keyBytes, plain, sealed] of cases) {
    const kind = plain === rtp ? 'rtp' : 'rtcp';
    const keys = { cipherKey: cipherKey.subarray(0, keyBytes), salt, macKey: none };
    const cipher = new GcmPacketCipher({ crypto, policy: { ...gcm, keyBytes }, keys, mki: none, kind });
    if (kind === 'rtp') cipher.select(0x5501a0b2, 0xf17b);
    else cipher.select(0x4d617273, 0x5d4);
    assert.equal(toHex(cipher.seal(fromHex(plain))), sealed);
    const bytes = fromHex(sealed);
    assert.ok(cipher.open(bytes, 0, plain.length / 2));
    assert.equal(toHex(bytes.subarray(0, plain.length / 2)), plain);
  }
});

/** Packets that libsrtp 2.5 has sealed: `testdata/README.md`. */
const libsrtp: {
  readonly suite: string;
  readonly rtcpTagBytes: number;
  readonly key: string;
  readonly mki: string;
  readonly rtp: readonly { readonly plain: string; readonly sealed: string }[];
  readonly rtcp: readonly { readonly plain: string; readonly sealed: string }[];
}[] = JSON.parse(readFileSync(new URL('testdata/libsrtp.json', import.meta.url), 'utf8'));

for (const { suite, rtcpTagBytes, key: master, mki, rtp, rtcp } of libsrtp) {
  const also = `${mki === '' ? '' : ', with a key identifier'}${rtcpTagBytes === 4 ? ', with short tags of RTCP' : ''}`;
  test(`packets are sealed byte for byte as libsrtp does it, and its own are opened, over a roll-over: ${suite}${also}`, () => {
    const inline = Buffer.from(master, 'hex').toString('base64');
    const told = parseSdes(
      `1 ${suite} inline:${inline}${mki === '' ? '' : `|${Number(`0x${mki}`)}:${mki.length / 2}`}`,
    );
    const receiver = new SrtpReceiver(crypto, told);
    const sender = new SrtpSender(crypto, { ...told, policy: { ...told.policy, rtcpTagBytes } });
    for (const { plain, sealed } of rtp) {
      assert.equal(toHex(sender.sealRtp(fromHex(plain))), sealed);
      assert.equal(open(receiver, fromHex(sealed)), plain);
      assert.equal(open(receiver, fromHex(sealed)), 'srtp_repeated');
    }
    for (const { plain, sealed } of rtcp) {
      assert.equal(toHex(sender.sealRtcp(fromHex(plain))), sealed);
      assert.equal(open(receiver, fromHex(sealed), 'rtcp'), plain);
    }
    assert.equal(writeSdes(told).split(' ')[1], suite);
    assert.deepEqual([receiver.accepted, receiver.rejected], [6, 4]);
  });
}

/** Sent by FFmpeg 5.1: `-f rtp -srtp_out_suite SUITE -srtp_out_params AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0e srtp://…`, a tone in A-law. */
const ffmpeg: readonly { suite: string; policy: Partial<SrtpPolicy>; packets: readonly string[]; report: string }[] = [
  {
    suite: 'AES_CM_128_HMAC_SHA1_80',
    policy: {},
    packets: [
      '80080d4e0913526912345678e9ceb6f1c738b996c0cccdf4da2c1db26569f40b42bb09f7bb08c47f0dfc23d490120da31930ac9bd04fb5ef28dba519f6ab91a1dd6aaedaed77528219f8430f',
      '80080d4f0913529f12345678cfb7642fe2904458c7887d05a6d4f9bb8fbcba51c7b993575ad8831b6dabe6a3d7e6960ba084a4f74d1a2cf9bf341378f5d52a87fc32b35a1e4db3687229e1e4',
    ],
    report: '80c800061234567830b2ebd1469a69370c99d7f8d61e0951413f6fb080000000f2678839112e593d9be7',
  },
  {
    suite: 'AES_CM_128_HMAC_SHA1_32',
    policy: { rtpTagBytes: 4 },
    packets: [
      '80080e6190f4273512345678ac3f62b8c7ad1e5ab623b0d0245c0aa91c62f85462b37313d2946d6b41566c62c5e4ffb6daea450ce2ac33904ada8f9de28c9520fe9887a656a4',
      '80080e6290f4276b123456788ca5162287a3154a115da22a4555b39617ccdcc20cdb54ac185fcc4193d564fc6e92108b162aa8e4554ab13d4ae250a6c1a32e8cafd4944b92e7',
    ],
    report: '80c800061234567830b2ebd06bde03b8957ea2a4d61e0951413f6fb0800000007fe3799d',
  },
];

for (const { suite, policy, packets, report } of ffmpeg) {
  test(`packets and reports of FFmpeg are opened: ${suite}`, () => {
    const keys = keysOf([key('0102030405060708090a0b0c0d0e0f10', '1112131415161718191a1b1c1d1e')], policy);
    const receiver = new SrtpReceiver(crypto, keys);
    // A tone in A-law begins with silence, and both packets go on where the last one ended.
    const plain = packets.map((packet) => open(receiver, fromHex(packet))!);
    assert.ok(plain[0]!.startsWith('80080'), plain[0]);
    assert.match(plain[0]!.slice(24), /^d5/);
    for (const text of plain) assert.equal(text.length / 2, 12 + 54);
    const bytes = fromHex(report);
    const end = receiver.openRtcp(bytes, 0, bytes.length);
    const [sr] = parseRtcp(bytes, 0, end);
    assert.equal(sr?.type, 'sr');
    assert.equal(sr?.type === 'sr' && sr.ssrc, 0x12345678);
    assert.equal(sr?.type === 'sr' && sr.packetCount, 0);
  });
}

/** The plain packet in hexadecimal, or why there is none. */
function open(receiver: SrtpReceiver, packet: Uint8Array, kind: 'rtp' | 'rtcp' = 'rtp'): string | SrtpFault {
  // Not at the beginning: packets lie in chunks.
  const chunk = new Uint8Array(packet.length + 14);
  chunk.set(packet, 7);
  const end =
    kind === 'rtp' ? receiver.openRtp(chunk, 7, 7 + packet.length) : receiver.openRtcp(chunk, 7, 7 + packet.length);
  assert.deepEqual([...chunk.subarray(0, 7), ...chunk.subarray(7 + packet.length)], Array(14).fill(0));
  return end < 0 ? receiver.fault : toHex(chunk.subarray(7, end));
}

function packetOf(sequence: number, more: { ssrc?: number; bytes?: number } = {}): Uint8Array {
  const packet = new Uint8Array(12 + (more.bytes ?? 20));
  writeRtpHeader(packet, 0, { payloadType: 96, marker: false, sequence, timestamp: 1, ssrc: more.ssrc ?? 7 });
  for (let i = 12; i < packet.length; i++) packet[i] = sequence + i;
  return packet;
}

function pair(keys = keysOf([known])) {
  return { sender: new SrtpSender(crypto, keys), receiver: new SrtpReceiver(crypto, keys) };
}

test('what a sender seals a receiver opens: all policies, with and without a key identifier, all sizes', () => {
  const policies: Partial<SrtpPolicy>[] = [
    {},
    { rtpTagBytes: 4 },
    { rtpTagBytes: 4, rtcpTagBytes: 4 },
    { keyBytes: 32 },
    { encryptsRtp: false },
    { encryptsRtcp: false },
    gcm,
    { ...gcm, keyBytes: 32 },
    { ...gcm, encryptsRtcp: false },
  ];
  for (const policy of policies) {
    for (const mki of [none, Uint8Array.of(1, 2, 3, 4)]) {
      const masterSalt = randomBytes(policy.cipher === 'aes-gcm' ? 12 : 14);
      const master = { masterKey: randomBytes(policy.keyBytes ?? 16), masterSalt, mki };
      const { sender, receiver } = pair(keysOf([master], policy));
      for (const [i, bytes] of [0, 1, 15, 16, 17, 1400, 65_000].entries()) {
        const packet = packetOf(i, { bytes });
        const sealed = sender.sealRtp(packet);
        assert.equal(sealed.length, packet.length + mki.length + (policy.rtpTagBytes ?? 10));
        // Of less, one may look like the other by chance.
        if (bytes >= 15) assert.equal(toHex(sealed).includes(toHex(packet.subarray(12))), policy.encryptsRtp === false);
        assert.equal(open(receiver, sealed), toHex(packet));
        const report = Uint8Array.of(0x81, 201, 0, 1, 0, 0, 0, 9, ...randomBytes(bytes === 65_000 ? 24 : bytes));
        assert.equal(open(receiver, sender.sealRtcp(report), 'rtcp'), toHex(report));
      }
      assert.deepEqual([receiver.accepted, receiver.rejected], [14, 0]);
    }
  }
});

test('CSRCs and header extensions are signed but not encrypted', () => {
  const { sender, receiver } = pair();
  const packet = fromHex(`9160000100000001000000070000000 9abac0001 0102030405060708`);
  const sealed = sender.sealRtp(packet);
  assert.equal(toHex(sealed.subarray(0, 24)), toHex(packet.subarray(0, 24)));
  assert.notEqual(toHex(sealed.subarray(24, 28)), toHex(packet.subarray(24, 28)));
  assert.equal(open(receiver, sealed), toHex(packet));
});

for (const policy of [defaultPolicy, gcm])
  test(`packets that were changed, of another key, or too short are dropped, and the next one is opened: ${policy.cipher}`, () => {
    const master = { ...known, masterSalt: known.masterSalt.subarray(0, policy === gcm ? 12 : 14) };
    const { sender, receiver } = pair(keysOf([master], policy));
    const leastBytes = 12 + policy.rtpTagBytes;
    const sealed = sender.sealRtp(packetOf(1));
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice();
      changed[i]! ^= 1;
      // The first bits say where the payload begins.
      assert.match(open(receiver, changed), i === 0 ? /^srtp_/ : /^srtp_forged$/, `byte ${i}`);
    }
    for (let length = 0; length < leastBytes; length++)
      assert.equal(open(receiver, sealed.slice(0, length)), 'srtp_truncated');
    const other = new SrtpSender(crypto, keysOf([{ ...master, masterKey: new Uint8Array(16) }], policy));
    assert.equal(open(receiver, other.sealRtp(packetOf(1))), 'srtp_forged');
    assert.equal(open(receiver, packetOf(1)), 'srtp_forged');
    assert.equal(open(receiver, sealed), toHex(packetOf(1)));
    const report = sender.sealRtcp(fromHex('80c9000100000009'));
    for (let i = 0; i < report.length; i++) {
      const changed = report.slice();
      changed[i]! ^= 1;
      assert.equal(open(receiver, changed, 'rtcp'), 'srtp_forged', `byte ${i} of a report`);
    }
    for (let length = 0; length < leastBytes; length++)
      assert.equal(open(receiver, report.slice(0, length), 'rtcp'), 'srtp_truncated');
    assert.equal(open(receiver, report, 'rtcp'), '80c9000100000009');
    assert.equal(receiver.accepted, 2);
  });

test('packets that come again or much too late are dropped, those that come late are not', () => {
  const { sender, receiver } = pair();
  const sealed = Array.from({ length: 300 }, (_, i) => sender.sealRtp(packetOf(i)));
  const give = (i: number) => (open(receiver, sealed[i]!).startsWith('srtp_') ? receiver.fault : 'opened');
  assert.deepEqual([0, 0, 5, 3, 3, 4, 5, 200, 73, 73, 72, 199].map(give), [
    ...['opened', 'srtp_repeated', 'opened', 'opened', 'srtp_repeated', 'opened', 'srtp_repeated'],
    ...['opened', 'opened', 'srtp_repeated', 'srtp_repeated', 'opened'],
  ]);
  const report = sender.sealRtcp(fromHex('80c9000100000009'));
  assert.equal(open(receiver, report, 'rtcp'), '80c9000100000009');
  assert.equal(open(receiver, report, 'rtcp'), 'srtp_repeated');
});

test('sequence numbers roll over, also where packets around it come in another order or are lost', () => {
  const { sender, receiver } = pair();
  const numbers = [65_533, 65_534, 65_535, 0, 1, 2, 30_000, 60_000, 20_000, 50_000, 10_000];
  const sealed = numbers.map((sequence) => sender.sealRtp(packetOf(sequence)));
  for (const i of [0, 3, 2, 4, 1, 5, 6, 7, 8, 9, 10])
    assert.equal(open(receiver, sealed[i]!), toHex(packetOf(numbers[i]!)), `${numbers[i]}`);
});

test('a roll-over counter that was told counts, and one more if numbers have rolled over since', () => {
  const told = (ssrc: number, rollOver: number) => keysOf([known], {}, new Map([[ssrc, rollOver]]));
  /** A sender that has rolled over so often. */
  const senderAt = (rollOver: number) => {
    const sender = new SrtpSender(crypto, keysOf([known]));
    for (let i = 0; i < rollOver; i++) for (const sequence of [2, 1]) sender.sealRtp(packetOf(sequence, { bytes: 0 }));
    return sender;
  };
  for (const [rollOver, isOpened] of [
    [3, true],
    [4, true],
    [2, false],
    [5, false],
  ] as const) {
    const receiver = new SrtpReceiver(crypto, told(7, 3));
    const sealed = senderAt(rollOver).sealRtp(packetOf(9));
    assert.equal(open(receiver, sealed), isOpened ? toHex(packetOf(9)) : 'srtp_forged', `${rollOver}`);
  }
  assert.equal(open(new SrtpReceiver(crypto, told(8, 3)), senderAt(0).sealRtp(packetOf(9))), toHex(packetOf(9)));
});

test('keys are told by their identifier; packets with an unknown one are dropped', () => {
  const [first, second] = [1, 2].map((i) =>
    key(`${'00'.repeat(15)}0${i}`, '00'.repeat(14), Uint8Array.of(0, 0, 0, i)),
  ) as [SrtpKey, SrtpKey];
  const receiver = new SrtpReceiver(crypto, keysOf([first, second]));
  const sealed = [first, second].map((master) => new SrtpSender(crypto, keysOf([master])));
  assert.equal(open(receiver, sealed[0]!.sealRtp(packetOf(1))), toHex(packetOf(1)));
  assert.equal(open(receiver, sealed[1]!.sealRtp(packetOf(2))), toHex(packetOf(2)));
  const third = new SrtpSender(crypto, keysOf([{ ...second, mki: Uint8Array.of(9, 9, 9, 9) }]));
  assert.equal(open(receiver, third.sealRtp(packetOf(3))), 'srtp_unknown_key');
  assert.equal(open(receiver, third.sealRtcp(fromHex('80c9000100000009')), 'rtcp'), 'srtp_unknown_key');
});

test('any number of senders may share a track; only genuine packets make one known', () => {
  const { receiver } = pair();
  for (let ssrc = 1; ssrc <= 40; ssrc++) {
    const sender = new SrtpSender(crypto, keysOf([known]));
    assert.equal(open(receiver, sender.sealRtp(packetOf(5, { ssrc }))), toHex(packetOf(5, { ssrc })));
    assert.equal(open(receiver, packetOf(5, { ssrc: ssrc + 100 })), 'srtp_forged');
  }
  assert.deepEqual([receiver.accepted, receiver.rejected], [40, 40]);
});
