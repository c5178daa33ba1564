import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { type Logger, silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { parseSdp } from '@watchpost/media/sdp/parse.ts';
import { tracksFromSdp } from '@watchpost/media/sdp/tracks.ts';
import type { Sample } from '@watchpost/media/types.ts';
import { StreamHub } from '../../hub/stream-hub.ts';
import { dialTcp } from '../../net/dial.ts';
import { createRtsp } from './index.ts';
import { needsTcp } from './udp-fallback.ts';

/** A camera of one track that answers everything with 200, and sends `packets` with the answer to PLAY, or before it. */
class ScriptedCamera implements AsyncDisposable {
  /** Frames of RTCP that came. */
  reports = 0;
  requests: string[] = [];
  #server: net.Server;
  #sockets: net.Socket[] = [];

  constructor(script: { media: string; packets: readonly Uint8Array[]; playsFirst?: boolean }) {
    const sdp = `v=0\r\ns=x\r\n${script.media}a=control:a\r\n`;
    this.#server = net.createServer((socket) => {
      this.#sockets.push(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        for (let at = 0; at < bytes.length; ) {
          if (bytes[at] === 0x24) {
            this.reports++;
            at += 4 + bytes.readUInt16BE(at + 2);
            continue;
          }
          const end = bytes.indexOf('\r\n\r\n', at) + 4;
          const text = bytes.toString('latin1', at, end);
          at = end;
          const method = text.split(' ', 1)[0]!;
          this.requests.push(method);
          const head = `RTSP/1.0 200 OK\r\nCSeq: ${/CSeq: (\d+)/.exec(text)![1]}\r\nSession: 7\r\n`;
          const send = () => {
            for (const packet of script.packets) socket.write(packet);
          };
          if (method === 'PLAY' && script.playsFirst === true) send();
          if (method === 'DESCRIBE') {
            socket.write(`${head}Content-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`);
          } else socket.write(`${head}\r\n`);
          if (method === 'PLAY' && script.playsFirst !== true) send();
        }
      });
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `rtsp://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}/a`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/** RTP on channel 0, as an interleaved frame. */
function frame(payloadType: number, sequence: number, payload: Uint8Array): Uint8Array {
  const head = [0x24, 0, 0, 12 + payload.length, 0x80, payloadType, 0, sequence, 0, 0, sequence, 0, 0, 0, 0, 9];
  return Uint8Array.of(...head, ...payload);
}

async function pull(
  camera: ScriptedCamera,
  body: (samples: Sample[], clock: ManualClock) => Promise<void>,
  logger: Logger = silentLogger,
) {
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
  const samples: Sample[] = [];
  const read = () => {
    for (let next = reader.pull(); next.length > 0; next = reader.pull()) samples.push(...next);
  };
  const reader = stream.openReader({ protocol: 'test', start: 'live', onReady: read });
  read();
  const abort = new AbortController();
  const section = { rtp_port_range: { first: 26_000, last: 26_099 }, transport: ['tcp'] };
  const context = { clock, logger, dial: dialTcp, signal: abort.signal, section };
  const ended = createRtsp({ userAgent: 'Watchpost/test' }).pull!(
    parseSourceUrl(url),
    (tracks, recycler) => stream.publish(tracks, recycler),
    context,
  ).catch(() => {});
  try {
    await body(samples, clock);
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

const alaw = 'm=audio 0 RTP/AVP 8\r\n';
const sound = (type: number) => [1, 2, 3].map((sequence) => frame(type, sequence, Uint8Array.of(1, 2, 3, 4)));

test('a camera that wants something at least every 5 s gets a receiver report (gortsplib client.go:702)', async () => {
  await using camera = new ScriptedCamera({ media: alaw, packets: sound(8) });
  await pull(camera, async (samples, clock) => {
    await until(() => samples.length >= 2);
    for (let wanted = 1; wanted <= 3; wanted++) {
      for (let i = 0; i < 4; i++) clock.advance(1000);
      await until(() => camera.reports >= wanted);
    }
    assert.ok(camera.reports <= 4, `${camera.reports} reports in 12 s`);
  });
});

test('packets before the answer to PLAY are taken', async () => {
  await using camera = new ScriptedCamera({ media: alaw, packets: sound(8), playsFirst: true });
  await pull(camera, (samples) => until(() => samples.length === 3));
});

test('Hikvision `PCM` becomes L16, which players get in packets of ours (go2rtc codec.go:162)', async () => {
  const media = 'm=audio 0 RTP/AVP 97\r\na=rtpmap:97 PCM/8000\r\n';
  await using camera = new ScriptedCamera({ media, packets: sound(97) });
  await pull(camera, async (samples) => {
    await until(() => samples.length === 3);
    assert.deepEqual([samples[0]!.track.codec, ...samples[0]!.units[0]!], ['l16', 2, 1, 4, 3]);
    assert.equal(samples[0]!.rtp, undefined);
  });
});

test('static payload types need no rtpmap on the way in (RFC 3551 §6)', async () => {
  await using camera = new ScriptedCamera({ media: 'm=audio 0 RTP/AVP 11\r\n', packets: sound(11) });
  await pull(camera, async (samples) => {
    await until(() => samples.length === 3);
    assert.deepEqual([samples[0]!.track.codec, samples[0]!.track.clockRate], ['l16', 44_100]);
  });
});

test('H.264 in packetization-mode 0 wants TCP (gortsplib hasH264PacketizationMode0)', () => {
  for (const [fmtp, expected] of [
    ['', true],
    ['a=fmtp:96 packetization-mode=0\r\n', true],
    ['a=fmtp:96 packetization-mode=1\r\n', false],
  ] as const) {
    const [track] = tracksFromSdp(parseSdp(`m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n${fmtp}`));
    assert.equal(needsTcp(track!), expected, fmtp);
  }
});

test('what a camera sends besides and is not taken is told; metadata and back channels are not missed', async () => {
  const besides = [
    'm=video 0 RTP/AVP 97\r\na=rtpmap:97 H263-1998/90000\r\na=control:v\r\n',
    'm=application 0 RTP/AVP 98\r\na=rtpmap:98 vnd.onvif.metadata/90000\r\na=control:m\r\n',
    'm=audio 0 RTP/AVP 99\r\na=rtpmap:99 SPEEX/16000\r\na=control:s\r\n',
    'm=audio 0 RTP/AVP 0\r\na=sendonly\r\na=control:b\r\n',
  ];
  await using camera = new ScriptedCamera({ media: besides.join('') + alaw, packets: sound(8) });
  const told: unknown[] = [];
  const logger: Logger = { ...silentLogger, warn: (_message, fields) => told.push(fields?.['media']) };
  await pull(camera, (samples) => until(() => samples.length === 3), logger);
  assert.deepEqual(told, ['video/H263-1998, audio/SPEEX']);
});
