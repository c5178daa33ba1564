import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseRtcp } from '@watchpost/media/rtp/rtcp.ts';
import { headerOf, type RtspResponse } from '@watchpost/media/rtsp/message.ts';
import { ntpToMs } from '@watchpost/media/time/ntp.ts';
import type { Sample } from '@watchpost/media/types.ts';
import type { RecordedPiece, RecordedSource } from '../../../catalog/recorded-source.ts';
import { isBye, nalUnit, picture, ServerBench, sound, type TestClient, udpSocket, until } from './test-bench.ts';

const startMs = Date.parse('2026-11-20T11:00:00Z');
const seconds = [0, 1, 2, 3, 4, 5, 10, 11, 12];

/** A second of five pictures for each of `seconds`: there is a hole from 6 to 10. */
class FakeRecordings implements RecordedSource {
  reading = 0;
  /** Reading fails with it from now on. */
  failure: WatchpostError | undefined;
  readonly #hasSound: boolean;

  constructor(hasSound: boolean) {
    this.#hasSound = hasSound;
  }

  async describe(streamId: string, atMs: number) {
    if (streamId !== 'gate' || atMs > startMs + 13_000)
      throw new WatchpostError('nothing is recorded', { kind: 'not_found', code: 'PLAYBACK_EMPTY' });
    return { tracks: this.#hasSound ? [picture, sound] : [picture], startMs, endMs: startMs + 13_000 };
  }

  async *read(range: Parameters<RecordedSource['read']>[0]): AsyncIterable<RecordedPiece> {
    this.reading++;
    try {
      const order = range.reverse ? seconds.toReversed() : seconds;
      let before: number | undefined;
      for (const second of order) {
        if (this.failure) throw this.failure;
        const fromMs = startMs + second * 1000;
        const isWanted = range.reverse
          ? fromMs <= range.startMs && fromMs >= range.endMs
          : fromMs + 1000 > range.startMs && fromMs < range.endMs;
        if (!isWanted) continue;
        const all = Array.from({ length: range.keysOnly || range.reverse ? 1 : 5 }, (_, i) => sampleAt(second, i));
        const samples = this.#hasSound ? all.flatMap((sample) => [sample, soundWith(sample)]) : all;
        yield { samples, afterGap: before !== undefined && Math.abs(second - before) > 1 };
        before = second;
      }
    } finally {
      this.reading--;
    }
  }
}

function sampleAt(second: number, i: number): Sample {
  const pts = (second * 5 + i) * 18_000;
  return {
    ...{ track: picture, dts: pts, pts, key: i === 0, byteLength: 100, lost: 0 },
    ...{ wallMs: startMs + second * 1000 + i * 200, units: [nalUnit(i === 0, 100)] },
  };
}

/** Sound of the same moment. */
function soundWith({ pts, wallMs }: Sample): Sample {
  const at = (pts / 90) * 8;
  return { track: sound, dts: at, pts: at, key: true, byteLength: 160, lost: 0, wallMs, units: [new Uint8Array(160)] };
}

async function open(path = '/recordings/gate', hasSound = false) {
  const recordings = new FakeRecordings(hasSound);
  const bench = await ServerBench.open({ recordings });
  const client = await bench.connect();
  const url = client.url.replace('/live/gate', path);
  const described = await client.expect(200, 'DESCRIBE', { url });
  const control = path.includes('?') ? url.replace('?', '/trackID=0?') : `${url}/trackID=0`;
  await client.expect(200, 'SETUP', { url: control, headers: { Transport: 'RTP/AVP/TCP;interleaved=0-1' } });
  if (hasSound) {
    const headers = { Transport: 'RTP/AVP/TCP;interleaved=2-3' };
    await client.expect(200, 'SETUP', { url: control.replace('trackID=0', 'trackID=1'), headers });
  }
  const play = (headers: Record<string, string> = {}) => client.expect(200, 'PLAY', { url, headers });
  return { bench, client, url, play, recordings, sdp: new TextDecoder().decode(described.body) };
}

interface Got {
  readonly timestamp: number;
  readonly sequence: number;
  /** Of the replay extension. */
  readonly wallMs: number | undefined;
  readonly flags: number;
  readonly cseq: number;
}

/** First packets of pictures: those with parameter sets and slices are told apart by the time stamp. */
function picturesOf(client: TestClient, from = 0, wanted = 0): Got[] {
  const found: Got[] = [];
  for (const { channel, bytes } of client.frames.slice(from)) {
    if (channel !== wanted) continue;
    const timestamp = bytes.readUInt32BE(4);
    if (found.at(-1)?.timestamp === timestamp) continue;
    const hasExtension = (bytes[0]! & 0x10) !== 0 && bytes.readUInt16BE(12) === 0xabac;
    found.push({
      timestamp,
      sequence: bytes.readUInt16BE(2),
      wallMs: hasExtension ? ntpToMs(bytes.readUInt32BE(16), bytes.readUInt32BE(20)) : undefined,
      flags: hasExtension ? bytes[24]! : 0,
      cseq: hasExtension ? bytes[25]! : 0,
    });
  }
  return found;
}

const infoOf = (response: RtspResponse) => {
  const match = /seq=(\d+);rtptime=(\d+)/.exec(headerOf(response, 'RTP-Info')!)!;
  return { sequence: Number(match[1]), rtpTime: Number(match[2]) };
};
const isOver = (client: TestClient) =>
  client.frames.some(
    ({ channel, bytes }) => channel === 1 && parseRtcp(bytes, 0, bytes.length).some(({ type }) => type === 'bye'),
  );

/** Lets the bench's time pass until it is so. */
async function pass(bench: ServerBench, isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !isSo(); i++) {
    bench.clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.ok(isSo());
}

test('a range of wall clock time is played in its time, the hole closed, and ends with BYE', async () => {
  const { bench, client, play, sdp, recordings } = await open();
  await using _ = bench;
  assert.match(sdp, /a=range:clock=20261120T110000\.000Z-20261120T110013\.000Z\r\n/);
  const answer = await play({ Range: 'clock=20261120T110004.500Z-' });
  assert.equal(headerOf(answer, 'Range'), 'clock=20261120T110004.000Z-', 'from the key picture on');
  await until(() => picturesOf(client).length >= 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(picturesOf(client).length, 1, 'players that measure by arrival would show the others at once');
  await pass(bench, () => isOver(client));
  const got = picturesOf(client);
  assert.equal(got.length, 25);
  assert.deepEqual([got[0]!.sequence, got[0]!.timestamp], [infoOf(answer).sequence, infoOf(answer).rtpTime]);
  const steps = got.slice(1).map(({ timestamp }, i) => (timestamp - got[i]!.timestamp) >>> 0);
  assert.deepEqual(steps, [...Array(9).fill(18_000), 3600, ...Array(14).fill(18_000)], 'the hole is one picture long');
  const reports = client.frames
    .filter(({ channel }) => channel === 1)
    .flatMap(({ bytes }) => [...parseRtcp(bytes, 0, bytes.length)])
    .flatMap((packet) => (packet.type === 'sr' ? [ntpToMs(packet.ntpSeconds, packet.ntpFraction)!] : []));
  assert.equal(Math.round(reports[0]!), startMs + 4000, 'reports tell when it was captured');
  assert.deepEqual([recordings.reading, bench.hub.list().length], [0, 0]);
});

test('a film that begins with the key picture before it is announced as long as it is', async () => {
  const { bench, play } = await open('/live/gate?start=2026-11-20T11:00:01.600Z&end=2026-11-20T11:00:04Z');
  await using _ = bench;
  assert.equal(headerOf(await play(), 'Range'), 'npt=0.000-3.000');
  assert.equal(headerOf(await play({ Range: 'npt=1-2' }), 'Range'), 'npt=0.400-2.000');
});

test('seeks while it plays, pause and resume: time stamps and sequence numbers go on', async () => {
  const { bench, client, play, recordings, url } = await open('/live/gate?start=2026-11-20T11:00:01Z');
  await using _ = bench;
  const first = await play();
  assert.equal(headerOf(first, 'Range'), 'npt=0.000-');
  await pass(bench, () => picturesOf(client).length >= 3);
  const before = client.frames.length;
  const last = picturesOf(client).at(-1)!;
  const sought = await play({ Range: 'npt=10-' });
  assert.equal(headerOf(sought, 'Range'), 'npt=10.000-', 'seconds from where the address begins');
  const { sequence, rtpTime } = infoOf(sought);
  assert.ok((rtpTime - last.timestamp) >>> 0 <= 90_000, 'no jump');
  await pass(bench, () => picturesOf(client, before).length >= 3);
  assert.ok(picturesOf(client, before).some((got) => got.sequence === sequence && got.timestamp === rtpTime));
  await client.expect(200, 'PAUSE', { url });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const paused = client.frames.length;
  bench.clock.advance(5000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(client.frames.length, paused);
  assert.equal(recordings.reading, 0, 'nothing is read while it stands still');
  const resumed = await play();
  assert.match(headerOf(resumed, 'Range')!, /^npt=1[01]\.000-$/);
  assert.equal((await client.expect(200, 'PLAY', { url })).status, 200, 'a keep-alive, as players send it');
  await client.expect(200, 'TEARDOWN', { url });
});

for (const { scale, count, step } of [
  { scale: '2.0', count: 45, step: 9000 },
  { scale: '0.5', count: 45, step: 36_000 },
  { scale: '8', count: 9, step: 11_250 },
])
  test(`Scale ${scale}: ${count} pictures, ${step} ticks apart`, async () => {
    const { bench, client, play } = await open();
    await using _ = bench;
    const answer = await play({ Scale: scale });
    assert.equal(Number(headerOf(answer, 'Scale')), Number(scale));
    await pass(bench, () => isOver(client));
    const got = picturesOf(client);
    assert.equal(got.length, count);
    assert.equal((got[1]!.timestamp - got[0]!.timestamp) >>> 0, step);
  });

test('backwards: key pictures from the newest on', async () => {
  const { bench, client, play } = await open();
  await using _ = bench;
  const headers = { Range: 'clock=20261120T110012Z-', Scale: '-1.0', Require: 'onvif-replay', 'Rate-Control': 'no' };
  const answer = await play(headers);
  assert.equal(headerOf(answer, 'Rate-Control'), 'no');
  await until(() => isOver(client));
  const got = picturesOf(client);
  assert.deepEqual(
    got.map(({ wallMs }) => (Math.round(wallMs!) - startMs) / 1000),
    seconds.toReversed(),
  );
  // Each follows a discontinuity; the newest of the recording is not its end in this direction, what is before a gap is.
  assert.deepEqual(
    got.map(({ flags }) => flags.toString(16)),
    ['a0', 'a0', 'e0', 'a0', 'a0', 'a0', 'a0', 'a0', 'f0'],
  );
});

test('pictures and sound have each an end before a gap, and an end of all', async () => {
  const { bench, client, play } = await open('/recordings/gate', true);
  await using _ = bench;
  await play({ Range: 'clock=20261120T110004Z-', Require: 'onvif-replay', 'Rate-Control': 'no' });
  await until(() => isOver(client));
  for (const [channel, key] of [
    [0, 0x80],
    [2, 0],
  ] as const) {
    const flags = picturesOf(client, 0, channel).map(({ flags: bits }) => bits & ~key);
    const found = flags.flatMap((bits, i) => (bits === 0 ? [] : [[i, bits.toString(16)]]));
    assert.deepEqual(found, [
      [0, '20'],
      [9, '40'],
      [10, '20'],
      [24, '50'],
    ]);
  }
});

test('a client that sets the pace gets all at once, with the time of capture and what is missing', async () => {
  const { bench, client, play } = await open();
  await using _ = bench;
  await play({ Range: 'clock=20261120T110004Z-', Require: 'onvif-replay', 'Rate-Control': 'no' });
  await until(() => isOver(client));
  const got = picturesOf(client);
  assert.deepEqual(
    got.map(({ wallMs }) => Math.round(wallMs!)),
    [4, 5, 10, 11, 12].flatMap((second) => [0, 200, 400, 600, 800].map((ms) => startMs + second * 1000 + ms)),
  );
  assert.equal((got[10]!.timestamp - got[9]!.timestamp) >>> 0, 4200 * 90, 'RTP time is recorded time');
  const flags = got.map(({ flags: bits }) => bits.toString(16));
  assert.deepEqual([flags[0], flags[1], flags[9], flags[10], flags.at(-1)], ['a0', '0', '40', 'a0', '50']);
  assert.equal(got[0]!.cseq, 3, 'the PLAY that it belongs to');
});

test('seconds since 1900 are wall clock time: GStreamer (rtspsrc 1.22) asks so for what is described by the clock', async () => {
  const { bench, play } = await open();
  await using _ = bench;
  const seconds1900 = (startMs + 5000) / 1000 + 2_208_988_800;
  assert.equal(headerOf(await play({ Range: `npt=${seconds1900}-` }), 'Range'), `npt=${seconds1900}.000-`);
});

test('what cannot be is told by its status', async () => {
  const { bench, client, url } = await open();
  await using _ = bench;
  const status = async (method: string, headers: Record<string, string>, at = url) =>
    (await client.ask(method, { url: at, headers })).status;
  assert.equal(await status('PLAY', { Range: 'smpte=0:10:20-' }), 457);
  assert.equal(await status('PLAY', { Scale: '0' }), 451);
  const { reason } = await client.ask('PLAY', { url, headers: { Scale: '300' } });
  assert.equal(reason, 'Parameter Not Understood (Scale "300" is no pace - use 0.1 to 256, below 0 for reverse)');
  for (const Range of ['clock=20271120T110012Z-', 'clock=20261120T110010Z-20261120T110009Z', 'npt=4000-', 'npt=now-'])
    assert.equal(await status('PLAY', { Range }), 457, Range);
  assert.equal(await status('PLAY', { Range: 'npt=now-', Scale: '-1' }), 200, 'backwards from the end');
  const back = { Range: 'clock=20261120T110012Z-20261120T110002Z', Scale: '-1' };
  const answer = await client.ask('PLAY', { url, headers: back });
  assert.equal(headerOf(answer, 'Range'), 'clock=20261120T110012.000Z-20261120T110002.000Z', 'the end is before');
  assert.equal(await status('PLAY', { Require: 'www.onvif.org/ver20/backchannel' }), 551);
  const other = await bench.connect();
  const describe = async (path: string) =>
    (await other.ask('DESCRIBE', { url: url.replace('/recordings/gate', path) })).status;
  assert.deepEqual(
    [
      await describe('/recordings/none'),
      await describe('/live/gate?start=2027-01-01T00:00:00Z'),
      await describe('/live/gate?start=yesterday'),
    ],
    [404, 404, 400],
  );
  assert.equal(bench.asked.at(-1)?.action ?? 'none', 'playback', 'the right to play recordings is asked for');
});

test('over UDP and through multicast: the first is played, the second refused', async () => {
  const { bench } = await open();
  await using _ = bench;
  const client = await bench.connect();
  const url = client.url.replace('/live/', '/recordings/');
  await client.expect(200, 'DESCRIBE', { url });
  const setUp = (transport: string) =>
    client.ask('SETUP', { url: `${url}/trackID=0`, headers: { Transport: transport } });
  assert.equal((await setUp('RTP/AVP;multicast')).status, 461);
  assert.equal((await setUp('RTP/AVP;unicast;client_port=40000-40001')).status, 200);
  await client.expect(200, 'PLAY', { url });
  assert.equal(bench.counts.players, 1);
  client.socket.destroy();
  await until(() => bench.listener.connections === 1);
  bench.clock.advance(61_000);
  await until(() => bench.counts.players === 0);
});

test('over UDP a BYE ends what is played when its right is withdrawn or the recording cannot be read; once, and not before', async () => {
  for (const why of ['withdrawn', 'unreadable', 'over']) {
    const { bench, recordings } = await open();
    await using _ = bench;
    const client = await bench.connect();
    const socket = await udpSocket();
    const { port } = socket.address();
    const url = client.url.replace('/live/', '/recordings/');
    await client.expect(200, 'DESCRIBE', { url });
    const headers = { Transport: `RTP/AVP;unicast;client_port=${port}-${port}` };
    await client.expect(200, 'SETUP', { url: `${url}/trackID=0`, headers });
    await client.expect(200, 'PLAY', { url });
    await pass(bench, () => socket.got.length > 10);
    assert.equal(socket.got.filter(isBye).length, 0, why);
    if (why === 'withdrawn') bench.grant.withdraw();
    if (why === 'unreadable')
      recordings.failure = new WatchpostError('lost', { kind: 'data_loss', code: 'STORAGE_IO' });
    await pass(bench, () => socket.got.some(isBye));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const sent = socket.got.length;
    if (why === 'over') bench.grant.withdraw();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual([socket.got.length, socket.got.filter(isBye).length], [sent, 1], why);
    socket.close();
  }
});
