import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concatBytes, fromHex, toHex } from '@watchpost/base/bytes.ts';
import { ChunkReader } from './chunk-reader.ts';
import { chunkMessage, chunkOverhead } from './chunk-writer.ts';

interface Read {
  readonly type: number;
  readonly timestampMs: number;
  readonly streamId: number;
  readonly body: string;
}

function reader(options: { chunkSize?: number; maxMessageBytes?: number } = {}) {
  const messages: Read[] = [];
  const chunks = new ChunkReader({
    onMessage: ({ type, timestampMs, streamId, body }) =>
      messages.push({ type, timestampMs, streamId, body: toHex(body) }),
    maxMessageBytes: options.maxMessageBytes ?? 1 << 20,
  });
  if (options.chunkSize) chunks.setChunkSize(options.chunkSize);
  return { chunks, messages };
}

function read(hex: string, options: { chunkSize?: number; maxMessageBytes?: number } = {}): readonly Read[] {
  const { chunks, messages } = reader(options);
  const bytes = fromHex(hex);
  chunks.receive(bytes, 0, bytes.length);
  return messages;
}

// Chunk stream 4, message stream 1, audio; the headers of RTMP 1.0 §5.3.1.2.
const cases: readonly {
  readonly name: string;
  readonly hex: string;
  readonly expected: readonly [number, string][];
}[] = [
  { name: 'type 0', hex: '04 0003e8 000002 08 01000000 aabb', expected: [[1000, 'aabb']] },
  {
    name: 'type 1 adds its delta',
    hex: '04 0003e8 000001 08 01000000 aa  44 000014 000002 08 bbcc',
    expected: [
      [1000, 'aa'],
      [1020, 'bbcc'],
    ],
  },
  {
    name: 'type 2 keeps length and type',
    hex: '04 0003e8 000001 08 01000000 aa  84 000014 bb',
    expected: [
      [1000, 'aa'],
      [1020, 'bb'],
    ],
  },
  {
    name: 'type 3 adds the delta once more',
    hex: '04 0003e8 000001 08 01000000 aa  84 000014 bb  c4 cc',
    expected: [
      [1000, 'aa'],
      [1020, 'bb'],
      [1040, 'cc'],
    ],
  },
  {
    name: 'type 3 after type 0 adds a time that can be a frame',
    hex: '04 000028 000001 08 01000000 aa  c4 bb',
    expected: [
      [40, 'aa'],
      [80, 'bb'],
    ],
  },
  {
    name: 'type 3 after type 0 is of the same time where that is late (GStreamer)',
    hex: '04 01e848 000001 08 01000000 aa  c4 bb',
    expected: [
      [125_000, 'aa'],
      [125_000, 'bb'],
    ],
  },
  {
    name: 'chunk stream ids of two and three bytes',
    hex: '00 00 000001 000001 08 01000000 aa  01 0001 000002 000001 08 01000000 bb',
    expected: [
      [1, 'aa'],
      [2, 'bb'],
    ],
  },
  { name: 'an empty message', hex: '04 0003e8 000000 08 01000000', expected: [[1000, '']] },
  { name: 'an extended timestamp', hex: '04 ffffff 000001 08 01000000 01000000 aa', expected: [[0x1000000, 'aa']] },
  {
    name: 'an extended delta',
    hex: '04 000000 000001 08 01000000 aa  44 ffffff 000001 08 01000000 bb',
    expected: [
      [0, 'aa'],
      [0x1000000, 'bb'],
    ],
  },
  {
    name: 'a time that wraps',
    hex: '04 ffffff 000001 08 01000000 fffffff0 aa  84 000020 bb',
    expected: [
      [0xffff_fff0, 'aa'],
      [0x10, 'bb'],
    ],
  },
];

describe('chunks are read', () => {
  for (const { name, hex, expected } of cases)
    test(name, () => {
      assert.deepEqual(
        read(hex).map(({ timestampMs, body }) => [timestampMs, body]),
        expected,
      );
    });
});

test('the extended timestamp may stand in type 3 chunks too, or be missing there (old librtmp)', () => {
  const body = '0102030405060708';
  const begin = '04 ffffff 000008 09 01000000 01000005 01020304';
  const options = { chunkSize: 4 };
  const expected = [{ type: 9, timestampMs: 0x1000005, streamId: 1, body }];
  assert.deepEqual(read(`${begin} c4 01000005 05060708`, options), expected);
  assert.deepEqual(read(`${begin} c4 05060708`, options), expected);
});

test('a chunk shorter than the extended timestamp that is missing there keeps its bytes, however it is cut', () => {
  const bytes = fromHex('04 ffffff 000006 08 01000000 01000000 aabbccdd  c4 eeff  05 000001 000001 09 01000000 11');
  const expected = [
    { type: 8, timestampMs: 0x1000000, streamId: 1, body: 'aabbccddeeff' },
    { type: 9, timestampMs: 1, streamId: 1, body: '11' },
  ];
  for (let piece = 1; piece <= bytes.length; piece++) {
    const { chunks, messages } = reader({ chunkSize: 4 });
    for (let at = 0; at < bytes.length; at += piece)
      chunks.receive(bytes.slice(at, at + piece), 0, Math.min(piece, bytes.length - at));
    assert.deepEqual(messages, expected, `in pieces of ${piece}`);
  }
});

test('messages of several chunk streams are interleaved; one that is aborted or begun anew is given up', () => {
  const { chunks, messages } = reader({ chunkSize: 2 });
  const feed = (hex: string) => chunks.receive(fromHex(hex), 0, fromHex(hex).length);
  feed('04 000001 000004 08 01000000 aaaa  06 000002 000003 09 01000000 bbbb  c4 aaaa  c6 bb');
  assert.deepEqual(
    messages.map(({ type, body }) => [type, body]),
    [
      [8, 'aaaaaaaa'],
      [9, 'bbbbbb'],
    ],
  );
  feed('04 000003 000004 08 01000000 cccc');
  chunks.abort(4);
  feed('04 000004 000002 08 01000000 dddd  06 000005 000004 09 01000000 eeee  06 000006 000001 09 01000000 ff');
  assert.deepEqual(
    messages.slice(2).map(({ body }) => body),
    ['dddd', 'ff'],
  );
  assert.equal(chunks.interrupted, 2);
});

const malformedCases: readonly [name: string, hex: string][] = [
  ['a chunk that goes on with nothing', 'c4 00'],
  ['a message that is too large', '04 000000 ffffff 09 01000000'],
  [
    'many long messages at once',
    Array.from({ length: 9 }, (_, i) => `0${i + 3} 000000 0003e8 09 01000000 ${'00'.repeat(128)}`).join(' '),
  ],
  [
    'too many chunk streams',
    Array.from({ length: 65 }, (_, i) => `01 ${i.toString(16).padStart(2, '0')}01 000000 000000 08 01000000`).join(' '),
  ],
];

for (const [name, hex] of malformedCases)
  test(`refused: ${name}`, () => {
    assert.throws(() => read(hex, { maxMessageBytes: 1000 }), { kind: 'malformed' });
  });

test('what is written is read, however it is cut: sizes around the chunk size, times around 2^24', () => {
  const chunkSize = 128;
  const written: { timestampMs: number; body: string }[] = [];
  const parts: Uint8Array[] = [];
  for (const length of [0, 1, 127, 128, 129, 256, 257, 1000])
    for (const timestampMs of [0, 0xff_fffe, 0xff_ffff, 0x100_0000, 0xffff_ffff]) {
      const body = Uint8Array.from({ length }, (_, i) => i * 7 + length);
      const chunks = chunkMessage({ chunkStreamId: 6, type: 9, timestampMs, streamId: 1, chunkSize }, body);
      assert.equal(chunks.length, length + chunkOverhead(length, timestampMs, chunkSize));
      parts.push(chunks);
      written.push({ timestampMs, body: toHex(body) });
    }
  const all = concatBytes(parts);
  for (const pieceBytes of [1, 7, 129, 4096, all.length]) {
    const { chunks, messages } = reader({ chunkSize });
    for (let at = 0; at < all.length; at += pieceBytes) chunks.receive(all, at, Math.min(at + pieceBytes, all.length));
    assert.deepEqual(
      messages.map(({ timestampMs, body }) => ({ timestampMs, body })),
      written,
      `pieces of ${pieceBytes}`,
    );
  }
});
