import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { writeRtpHeader } from '@watchpost/media/rtp/packet.ts';
import { parseRtcp } from '@watchpost/media/rtp/rtcp.ts';
import { writeInterleavedFrame } from '@watchpost/media/rtsp/framing.ts';
import { parseKeyMgmtHeader } from '@watchpost/media/srtp/key-management.ts';
import type { SrtpKeys } from '@watchpost/media/srtp/keys.ts';
import { keysOfMikey } from '@watchpost/media/srtp/mikey-keys.ts';
import { parseSdes } from '@watchpost/media/srtp/sdes.ts';
import { SrtpReceiver } from '@watchpost/media/srtp/srtp-receiver.ts';
import { SrtpSender } from '@watchpost/media/srtp/srtp-sender.ts';
import type { Sample } from '@watchpost/media/types.ts';
import { StreamHub } from '../../hub/stream-hub.ts';
import { dialTcp } from '../../net/dial.ts';
import { openBackChannel } from './back-channel.ts';
import { createRtsp } from './index.ts';
import { srtpCrypto } from './srtp-crypto.ts';

const sdes = `1 AES_CM_128_HMAC_SHA1_80 inline:${'A'.repeat(40)}`;
const gcmSdes = `1 AEAD_AES_256_GCM inline:${Buffer.alloc(44, 7).toString('base64')}|1:4`;
const otherSdes = `1 AES_CM_128_HMAC_SHA1_80 inline:${'B'.repeat(40)}`;

/** What a camera with encrypted sound does. */
interface Script {
  /** Lines of its medium. */
  readonly offer: string;
  /** Keys that it sends with; undefined where it refuses those of a SETUP. */
  readonly keysOf: (keyMgmt: string | undefined) => SrtpKeys | undefined;
  /** Changes of what it sends. */
  readonly mangle?: (sealed: Uint8Array, i: number) => readonly Uint8Array[];
  readonly packets: number;
  /** More media. */
  readonly more?: string;
}

/** A camera of one encrypted track over TCP, which opens the reports that it gets. */
class SecureCamera implements AsyncDisposable {
  readonly setups: string[] = [];
  readonly reports: string[] = [];
  /** Payloads that were sent to it. */
  readonly heard: number[][] = [];
  readonly #script: Script;
  readonly #server: net.Server;
  readonly #sockets: net.Socket[] = [];
  #keys: SrtpKeys | undefined;
  #receiver: SrtpReceiver | undefined;

  constructor(script: Script) {
    this.#script = script;
    this.#server = net.createServer((socket) => {
      this.#sockets.push(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        for (let at = 0; at < bytes.length; ) {
          if (bytes[at] === 0x24) {
            const end = at + 4 + bytes.readUInt16BE(at + 2);
            if (bytes[at + 1] === 1) this.#open(bytes.subarray(at + 4, end));
            else this.#hear(bytes.subarray(at + 4, end));
            at = end;
            continue;
          }
          const end = bytes.indexOf('\r\n\r\n', at) + 4;
          this.#answer(socket, bytes.toString('latin1', at, end));
          at = end;
        }
      });
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `rtsp://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}/a`;
  }

  #open(report: Uint8Array): void {
    const end = this.#receiver!.openRtcp(report, 0, report.length);
    this.reports.push(
      end < 0
        ? this.#receiver!.fault
        : parseRtcp(report, 0, end)
            .map(({ type }) => type)
            .join(' '),
    );
  }

  #hear(packet: Uint8Array): void {
    const end = this.#receiver!.openRtp(packet, 0, packet.length);
    this.heard.push(end < 0 ? [] : [...packet.subarray(12, end)]);
  }

  #answer(socket: net.Socket, request: string): void {
    const cseq = /CSeq: (\d+)/.exec(request)![1];
    const reply = (status: string, headers = '', body = '') =>
      socket.write(
        `RTSP/1.0 ${status}\r\nCSeq: ${cseq}\r\nSession: 7\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`,
      );
    if (request.startsWith('DESCRIBE')) {
      const sdp = `v=0\r\ns=x\r\nm=audio 0 RTP/SAVP 8\r\n${this.#script.offer}a=control:a\r\n${this.#script.more ?? ''}`;
      reply('200 OK', 'Content-Type: application/sdp\r\n', sdp);
    } else if (request.startsWith('SETUP')) {
      const keyMgmt = /^KeyMgmt: (.*)\r$/m.exec(request)?.[1];
      this.setups.push(keyMgmt ?? '');
      this.#keys = this.#script.keysOf(keyMgmt);
      if (this.#keys === undefined) reply('463 Key management failure');
      else reply('200 OK', 'Transport: RTP/SAVP/TCP;unicast;interleaved=0-1\r\n');
    } else reply('200 OK');
    if (request.startsWith('PLAY')) this.#play(socket);
  }

  #play(socket: net.Socket): void {
    const { packets, mangle = (sealed) => [sealed] } = this.#script;
    this.#receiver = new SrtpReceiver(srtpCrypto, this.#keys!);
    const sender = new SrtpSender(srtpCrypto, this.#keys!);
    for (let i = 0; i < packets; i++) {
      const packet = new Uint8Array(16).fill(i, 12);
      // Around a roll-over.
      const sequence = (65_534 + i) & 0xffff;
      writeRtpHeader(packet, 0, { payloadType: 8, marker: false, sequence, timestamp: i * 4, ssrc: 0x99 });
      for (const sealed of mangle(sender.sealRtp(packet), i)) socket.write(writeInterleavedFrame(0, sealed));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

interface Pulled {
  readonly samples: Sample[];
  readonly clock: ManualClock;
  readonly counts: Record<string, number>;
  failure: WatchpostError | undefined;
}

async function pull(camera: SecureCamera, body: (pulled: Pulled) => Promise<void>) {
  const clock = new ManualClock();
  const url = await camera.listen();
  const hub = new StreamHub({
    ...{ clock, logger: silentLogger, reconnectDelayMs: 1000 },
    protocolFor: () => undefined,
    pull: async () => {},
  });
  const stream = await hub.define({
    ...{ id: 'a', title: 'a', protocol: 'rtsp', sources: [], record: false, onDemand: false, stopped: false },
    origin: 'api',
  });
  const pulled: Pulled = { samples: [], clock, counts: {}, failure: undefined };
  const read = () => {
    for (let next = reader.pull(); next.length > 0; next = reader.pull()) pulled.samples.push(...next);
  };
  const reader = stream.openReader({ protocol: 'test', start: 'live', onReady: read });
  read();
  const abort = new AbortController();
  const section = { rtp_port_range: { first: 26_000, last: 26_099 }, transport: ['tcp'] };
  const ended = createRtsp({ userAgent: 'Watchpost/test' }).pull!(
    parseSourceUrl(url),
    (tracks, recycler) => {
      const publisher = stream.publish(tracks, recycler);
      const count = publisher.count.bind(publisher);
      publisher.count = (name, n) => {
        pulled.counts[name] = (pulled.counts[name] ?? 0) + n;
        count(name, n);
      };
      return publisher;
    },
    { clock, logger: silentLogger, dial: dialTcp, signal: abort.signal, section },
  ).catch((thrown) => {
    pulled.failure = thrown as WatchpostError;
  });
  try {
    await body(pulled);
  } finally {
    abort.abort(new WatchpostError('enough', { kind: 'canceled', code: 'TEST_DONE' }));
    await ended;
    reader.close();
    await hub[Symbol.asyncDispose]();
  }
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(done(), 'not in time');
}

/** Axis: no keys but those of the client, with an identifier of four bytes. */
const axis: Script = {
  offer:
    'a=key-mgmt:mikey AQAFACbQHoABAACp8CmCAAAAAAsA7qvh6iaxs2sKEN3HddJlkoNMxEMm6DcBU+YBAAAAFQABAQEBEAIBAQMBCgcBAQgBAQoBAQAAACIAIAAetlK3j+qokHgcW4KkizbAHF1pRl8IKN101DA0OwT1AA==\r\n',
  keysOf: (keyMgmt) => {
    const keys = keysOfMikey(parseKeyMgmtHeader(keyMgmt!)!);
    return keys.keys[0]!.mki.length === 4 ? keys : undefined;
  },
  packets: 5,
};
const withSdes: Script = { offer: `a=crypto:${sdes}\r\n`, keysOf: () => parseSdes(sdes), packets: 5 };

for (const [name, script] of [
  ['keys of ours, which Axis wants', axis],
  ['keys of a=crypto', withSdes],
  ['keys of a=crypto for AES-GCM', { ...withSdes, offer: `a=crypto:${gcmSdes}\r\n`, keysOf: () => parseSdes(gcmSdes) }],
] as const) {
  test(`encrypted media are pulled, over a roll-over, and reports go back encrypted: ${name}`, async () => {
    await using camera = new SecureCamera(script);
    await pull(camera, async ({ samples, clock, counts }) => {
      await until(() => samples.length === 5);
      assert.deepEqual(
        samples.map((sample) => [...sample.units[0]!]),
        [0, 1, 2, 3, 4].map((i) => [i, i, i, i]),
      );
      assert.deepEqual(counts, {});
      for (let i = 0; i < 6; i++) clock.advance(1000);
      await until(() => camera.reports.length > 0);
      assert.deepEqual(camera.reports[0], 'rr sdes');
    });
    assert.equal(camera.setups.length, script === axis ? 2 : 1);
  });
}

test('packets that were changed, cut or sent twice are counted and dropped; the stream goes on', async () => {
  const mangle = (sealed: Uint8Array, i: number): Uint8Array[] => {
    const changed = sealed.map((byte, at) => (at === 13 ? byte ^ 1 : byte));
    return i === 1
      ? [changed, sealed]
      : i === 2
        ? [sealed, sealed]
        : i === 3
          ? [sealed.subarray(0, 20), sealed]
          : [sealed];
  };
  await using camera = new SecureCamera({ ...withSdes, mangle });
  await pull(camera, async ({ samples, counts }) => {
    await until(() => samples.length === 5);
    assert.deepEqual(counts, { srtp_forged: 1, srtp_repeated: 1, srtp_truncated: 1 });
  });
});

test('a camera that encrypts is spoken to in SRTP', async () => {
  const picture = 'm=video 0 RTP/SAVP 96\r\na=rtpmap:96 H264/90000\r\na=control:b\r\n';
  await using camera = new SecureCamera({ ...axis, offer: `${axis.offer}a=sendonly\r\n`, more: picture, packets: 0 });
  const source = parseSourceUrl(await camera.listen());
  const clock = new ManualClock();
  const abort = new AbortController();
  const context = { clock, logger: silentLogger, dial: dialTcp, signal: abort.signal, section: {} };
  const channel = await openBackChannel({ source, context, userAgent: 'test' }, ['pcma']);
  for (let i = 0; i < 3; i++) channel.write(Uint8Array.of(i, i), i * 2, i === 0);
  for (let i = 0; i < 6; i++) clock.advance(1000);
  await until(() => camera.heard.length === 3 && camera.reports.length > 0);
  assert.deepEqual(
    camera.heard,
    [0, 1, 2].map((i) => [i, i]),
  );
  assert.equal(camera.reports[0], 'sr sdes');
  channel.close();
  assert.equal(await channel.ended, undefined);
});

test('media that the keys do not open end the session with a reason', async () => {
  await using camera = new SecureCamera({ ...withSdes, keysOf: () => parseSdes(otherSdes), packets: 60 });
  await pull(camera, async (pulled) => {
    await until(() => (pulled.counts['srtp_forged'] ?? 0) === 60);
    pulled.clock.advance(1000);
    await until(() => pulled.failure !== undefined);
    assert.equal(pulled.failure?.code, 'SRTP_KEYS_WRONG');
    assert.equal(pulled.samples.length, 0);
  });
});
