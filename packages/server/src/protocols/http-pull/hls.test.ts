import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { TsMuxer } from '@watchpost/media/container/mpeg-ts/muxer.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { ProtocolContext, SourceUnit } from '../../hub/types.ts';
import { dialTcp } from '../../net/dial.ts';
import { pullHttp } from './pull.ts';

const video: Track = {
  ...{ id: 0, kind: 'video', codec: 'h264', clockRate: 90_000 },
  parameterSets: [fromHex('6742c01ed900a03db011000003000100000300320f162e48'), fromHex('68cb83cb20')],
};

/** MPEG-TS of four pictures, 10 ms apart. */
function segment(startMs: number): Buffer {
  const samples = Array.from({ length: 4 }, (_, i): Sample => {
    const dts = (startMs + i * 10) * 90;
    const units = [Uint8Array.of(0x65, 0x88, startMs & 255, i, 1, 2, 3)];
    return { track: video, dts, pts: dts, key: true, units, byteLength: 7, wallMs: 0, lost: 0 };
  });
  return Buffer.from(new TsMuxer([video]).write(samples));
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Pulls `/list.m3u8` of a server until it ends; marks of the pictures that came, in order, and how it ended. */
async function pull(files: Readonly<Record<string, string | Buffer | Answer>>, timeoutMs = 4000) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    const file = files[request.url!];
    if (typeof file === 'function') file(request, response);
    else if (file === undefined) response.writeHead(404).end();
    else response.end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const marks: number[] = [];
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error('took too long')), timeoutMs);
  const { port } = server.address() as AddressInfo;
  const context = { clock: systemClock, logger: silentLogger, signal: stop.signal, dial: dialTcp, section: {} };
  const counts: Record<string, number> = {};
  const transports = new Set<string | undefined>();
  const publisher = {
    patienceMs: 0,
    ...{ writeRtp: () => {}, senderReport: () => {}, flush: () => {}, close: () => {} },
    count: (name: string, n: number) => {
      counts[name] = (counts[name] ?? 0) + n;
    },
    writeUnit: (_index: number, unit: SourceUnit) => {
      if (unit.units[0]![3] === 0) marks.push(unit.units[0]![2]!);
    },
  };
  const source = parseSourceUrl(`http://127.0.0.1:${port}/list.m3u8`);
  const counters = { sessions: 0, bytes: 0 };
  const options = { source, context: context as unknown as ProtocolContext, userAgent: 'test', counters };
  let failure: unknown;
  try {
    await pullHttp(options, (_tracks, _recycler, transport) => {
      transports.add(transport?.name);
      return publisher;
    });
  } catch (thrown) {
    failure = thrown;
  }
  clearTimeout(timer);
  await new Promise((resolve) => server.close(resolve));
  assert.equal(counters.sessions, 0);
  return { marks, asked, counts, transports: [...transports], failure };
}

const head = (sequence: number) => `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:${sequence}\n`;
const entry = (name: string) => `#EXTINF:0.04,\n${name}\n`;

test('a list from a file is played whole, over discontinuities and gaps, one missing segment left out', async () => {
  const list = `${head(0)}${entry('a.ts')}#EXT-X-DISCONTINUITY\n${entry('b.ts')}#EXT-X-GAP\n${entry('c.ts')}${entry('d.ts')}${entry('e.ts')}#EXT-X-ENDLIST\n`;
  const files = { '/list.m3u8': list, '/a.ts': segment(1), '/b.ts': segment(2), '/e.ts': segment(5) };
  const { marks, asked, transports, failure } = await pull(files);
  assert.deepEqual(marks, [1, 2, 5]);
  assert.deepEqual(transports, ['tcp']);
  assert.equal(failure, undefined);
  assert.ok(!asked.includes('/c.ts'));
});

test('a live list is begun three segments before its end, and followed; one that begins anew, too', async () => {
  let loads = 0;
  const lists = [
    head(10) + ['1', '2', '3', '4', '5'].map((n) => entry(`${n}.ts`)).join(''),
    head(12) + ['3', '4', '5', '6', '7'].map((n) => entry(`${n}.ts`)).join(''),
    // The packager was started anew.
    `${head(0)}${entry('8.ts')}${entry('9.ts')}#EXT-X-ENDLIST\n`,
  ];
  const segments = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`/${i + 1}.ts`, segment(i + 1)]));
  const { marks, failure } = await pull({
    ...segments,
    '/list.m3u8': (_request, response) => response.end(lists[Math.min(loads++, 2)]),
  });
  assert.deepEqual(marks, [3, 4, 5, 6, 7, 8, 9]);
  assert.equal(failure, undefined);
});

test('what cannot be played says why', async () => {
  const sample = `${head(0)}#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"\n${entry('a.ts')}#EXT-X-ENDLIST\n`;
  const cases: readonly [files: Record<string, string | Buffer>, code: string][] = [
    [{ '/list.m3u8': sample }, 'HLS_UNSUPPORTED'],
    [{ '/list.m3u8': sample.replace('SAMPLE-AES', 'AES-128'), '/a.ts': segment(1) }, 'HTTP_NOT_FOUND'],
    [{ '/list.m3u8': '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nfile:///etc/passwd\n' }, 'HLS_UNSUPPORTED'],
    [{ '/list.m3u8': '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="a"\n' }, 'HLS_UNSUPPORTED'],
    [{ '/list.m3u8': '<html>' }, 'HTTP_CONTENT'],
    [{}, 'HTTP_NOT_FOUND'],
    [{ '/list.m3u8': head(0) + ['a', 'b', 'c', 'd', 'e'].map(entry).join('') + '#EXT-X-ENDLIST\n' }, 'HTTP_NOT_FOUND'],
  ];
  for (const [files, code] of cases) assert.equal(((await pull(files)).failure as { code?: string }).code, code);
});

test('a segment that never ends is bounded by the signal', async () => {
  const list = `${head(0)}${entry('a.ts')}#EXT-X-ENDLIST\n`;
  const drip: Answer = (_request, response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(188, 0x47)), 20);
    response.on('close', () => clearInterval(timer));
  };
  const { failure } = await pull({ '/list.m3u8': list, '/a.ts': drip }, 300);
  assert.match((failure as Error).message, /took too long/);
});

test('sound in a list of its own that cannot be had costs no picture', async () => {
  const master =
    '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="sound.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\nvideo.m3u8\n';
  const list = `${head(0)}${entry('1.ts')}${entry('2.ts')}#EXT-X-ENDLIST\n`;
  const sounds: readonly (string | undefined)[] = [
    undefined,
    '<html>',
    list.replaceAll('.ts', '.aac'),
    `${head(0)}#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"\n${entry('1.aac')}`,
  ];
  const pulls = sounds.map((sound) =>
    pull({
      ...{ '/list.m3u8': master, '/video.m3u8': list, '/1.ts': segment(1), '/2.ts': segment(2) },
      ...(sound !== undefined && { '/sound.m3u8': sound }),
    }),
  );
  for (const { marks, failure } of await Promise.all(pulls)) {
    assert.deepEqual(marks, [1, 2]);
    assert.equal(failure, undefined);
  }
});
