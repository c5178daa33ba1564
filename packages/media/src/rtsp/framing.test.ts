import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes } from '@watchpost/base/bytes.ts';
import { RtspFramer } from './framing.ts';
import type { RtspRequest, RtspResponse } from './message.ts';

const text = (value: string) => new TextEncoder().encode(value);

/** An interleaved RTP packet whose payload holds its number; no byte of it looks like the start of a frame. */
function frame(channel: number, sequence: number, payloadBytes = 40, ssrc = 0x11223344): Uint8Array {
  const packet = new Uint8Array(12 + payloadBytes).fill(0x30 + (sequence % 10), 12);
  packet.set([0x80, 96, sequence >> 8, sequence & 255, 0, 0, 0, 1]);
  packet.set([ssrc >>> 24, (ssrc >>> 16) & 255, (ssrc >>> 8) & 255, ssrc & 255], 8);
  return concatBytes([Uint8Array.of(0x24, channel, packet.length >> 8, packet.length & 255), packet]);
}

function collect() {
  const seen: string[] = [];
  const kept: { chunk: Uint8Array; start: number; end: number; copy: string }[] = [];
  const framer = new RtspFramer({
    onInterleaved: (channel, chunk, start, end) => {
      kept.push({ chunk, start, end, copy: chunk.subarray(start, end).join() });
      seen.push(`${channel}:${(chunk[start + 2]! << 8) | chunk[start + 3]!}:${end - start}`);
    },
    onRequest: (request: RtspRequest) => seen.push(request.method),
    onResponse: (response: RtspResponse) => seen.push(String(response.status)),
    onGarbage: (bytes) => seen.push(`garbage ${bytes}`),
  });
  framer.setChannel(0, 'rtp');
  framer.setChannel(1, 'rtcp');
  return { framer, seen, kept };
}

const response = text('RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nabc');
const request = text('OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n');
const rtcp = Uint8Array.of(0x24, 1, 0, 8, 0x80, 200, 0, 1, 1, 2, 3, 4);

test('frames and messages come out the same however the bytes are cut', () => {
  const stream = concatBytes([
    response,
    frame(0, 1),
    frame(0, 2, 3000),
    rtcp,
    request,
    text('\r\n'),
    frame(0, 3),
    frame(0, 4),
  ]);
  const expected = ['200', '0:1:52', '0:2:3012', '1:1:8', 'OPTIONS', '0:3:52', '0:4:52'];
  for (const size of [1, 2, 3, 5, 7, 16, 61, 1000, 4096, 100_000]) {
    const { framer, seen, kept } = collect();
    const shared = new Uint8Array(size);
    for (let at = 0; at < stream.length; at += size) {
      const part = stream.subarray(at, at + size);
      shared.set(part);
      framer.receive(shared, 0, part.length);
      shared.fill(0xee);
    }
    assert.deepEqual(seen, expected, `pieces of ${size}`);
    for (const { chunk, start, end, copy } of kept) assert.equal(chunk.subarray(start, end).join(), copy);
  }
});

test('what was handed out is not overwritten, and many packets share one slab', () => {
  const { framer, kept } = collect();
  const shared = new Uint8Array(1500);
  for (let i = 0; i < 2000; i++) {
    const bytes = frame(0, i, 1000);
    shared.set(bytes);
    framer.receive(shared, 0, bytes.length);
    shared.fill(0);
  }
  assert.equal(kept.length, 2000);
  for (const { chunk, start, end, copy } of kept) assert.equal(chunk.subarray(start, end).join(), copy);
  const slabs = new Set(kept.map((k) => k.chunk));
  assert.ok(slabs.size < 2000 / 7, `${slabs.size} slabs`);
  assert.ok(Math.max(...[...slabs].map((s) => s.length)) <= 16 * 1024);
});

test('slabs grow with the bitrate and with a packet of 64 KB, no further', () => {
  const sizes: number[] = [];
  const handler = { onInterleaved: () => {}, onRequest: () => {}, onResponse: () => {}, onGarbage: () => {} };
  const framer = new RtspFramer(handler, {
    allocate: (bytes) => {
      sizes.push(bytes);
      return new Uint8Array(bytes);
    },
  });
  framer.setChannel(0, 'rtp');
  for (let second = 0; second < 20; second++) framer.adapt(10_000_000);
  const bytes = frame(0, 1, 65_000);
  for (let i = 0; i < 20; i++) framer.receive(bytes, 0, bytes.length);
  assert.ok(
    sizes.every((size) => size <= 128 * 1024),
    sizes.join(),
  );
  assert.ok(sizes.includes(128 * 1024));
});

test('resynchronisation', async (t) => {
  const cases: { name: string; stream: Uint8Array[]; expected: string[] }[] = [
    {
      name: 'garbage between two frames is skipped and counted (Canon VB-H47)',
      stream: [frame(0, 1), text('garbage!'), frame(0, 2), frame(0, 3)],
      expected: ['0:1:52', 'garbage 8', '0:2:52', '0:3:52'],
    },
    {
      name: 'a dollar sign in garbage is no frame',
      stream: [frame(0, 1), text('$$ab$c'), frame(0, 2), frame(0, 3)],
      expected: ['0:1:52', 'garbage 6', '0:2:52', '0:3:52'],
    },
    {
      name: 'a frame that lost its tail is dropped, the next ones are whole (firmware that ignores short writes)',
      stream: [frame(0, 1), frame(0, 2, 400).subarray(0, 200), frame(0, 3), frame(0, 4, 400), frame(0, 5)],
      expected: ['0:1:52', 'garbage 200', '0:3:52', '0:4:412', '0:5:52'],
    },
    {
      name: 'a frame on a channel that nobody set up is garbage',
      stream: [frame(0, 1), frame(6, 7), frame(0, 2)],
      expected: ['0:1:52', 'garbage 56', '0:2:52'],
    },
    {
      name: 'a frame too short for RTP is garbage',
      stream: [frame(0, 1), Uint8Array.of(0x24, 0, 0, 2, 0x80, 96), frame(0, 2)],
      expected: ['0:1:52', 'garbage 6', '0:2:52'],
    },
    {
      name: 'a frame of another RTP version is garbage',
      stream: [frame(0, 1), Uint8Array.of(0x24, 0, 0, 12, 0x40, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1), frame(0, 2)],
      expected: ['0:1:52', 'garbage 16', '0:2:52'],
    },
    {
      name: 'an answer after garbage is found',
      stream: [frame(0, 1), text('xxRTRTSP'), response, frame(0, 2)],
      expected: ['0:1:52', 'garbage 8', '200', '0:2:52'],
    },
    {
      name: 'a new SSRC without garbage is taken as it is',
      stream: [frame(0, 1), frame(0, 9, 40, 0x55667788), frame(0, 10, 40, 0x55667788)],
      expected: ['0:1:52', '0:9:52', '0:10:52'],
    },
    {
      name: 'a method that nobody knows is a request all the same',
      stream: [text('FLY rtsp://192.0.2.1/ RTSP/1.0\r\nCSeq: 1\r\n\r\n'), request],
      expected: ['FLY', 'OPTIONS'],
    },
  ];
  for (const { name, stream, expected } of cases) {
    await t.test(name, () => {
      for (const size of [1, 13, 100_000]) {
        const { framer, seen } = collect();
        const bytes = concatBytes(stream);
        for (let at = 0; at < bytes.length; at += size) framer.receive(bytes, at, Math.min(at + size, bytes.length));
        // Cut into single bytes, a damaged frame may be handed out before what follows it is known.
        if (size !== 1 || !name.includes('lost its tail')) assert.deepEqual(seen, expected, `pieces of ${size}`);
      }
    });
  }
});

test('a connection of nothing but garbage is given up after 1 MiB', () => {
  const { framer } = collect();
  const noise = new Uint8Array(64 * 1024).fill(0x7a);
  assert.throws(
    () => {
      for (let i = 0; i < 17; i++) framer.receive(noise, 0, noise.length);
    },
    { name: 'WatchpostError', kind: 'malformed', code: 'RTSP_GARBAGE' },
  );
});

test('a connection of beginnings that cannot be read is given up, instead of reading all behind each of them', () => {
  const { framer, seen } = collect();
  const few = concatBytes([text(`!${'PLAY \n'.repeat(10)}\n\n`), request]);
  framer.receive(few, 0, few.length);
  assert.deepEqual(seen, ['garbage 63', 'OPTIONS']);
  const endless = text(`!${'PLAY \n'.repeat(9000)}\n\n`);
  assert.throws(() => framer.receive(endless, 0, endless.length), { kind: 'malformed', code: 'RTSP_GARBAGE' });
});

test('nothing is handed out after close', () => {
  const { framer, seen } = collect();
  framer.close();
  framer.receive(response, 0, response.length);
  assert.deepEqual(seen, []);
});

test('closed on a message behind which more waits than a new slab holds, it drops the rest', () => {
  const seen: string[] = [];
  const framer: RtspFramer = new RtspFramer({
    onInterleaved: () => {},
    onResponse: () => {},
    onGarbage: () => {},
    onRequest: ({ method }) => {
      seen.push(method);
      framer.close();
    },
  });
  // Longer than 32 KiB, so that its slab holds 64 KiB, which the requests behind it fill.
  const long = text(`DESCRIBE * RTSP/1.0\r\n${`X: ${'a'.repeat(1900)}\r\n`.repeat(18)}\r\n`);
  const bytes = concatBytes([long, ...Array.from({ length: 2000 }, () => request)]);
  framer.receive(bytes, 0, bytes.length);
  assert.deepEqual(seen, ['DESCRIBE']);
});
