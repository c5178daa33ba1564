import assert from 'node:assert/strict';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { tagWithTimestamp } from '@watchpost/media/container/packed-audio/test-tag.ts';
import { createHttpPull } from '@watchpost/server/protocols/http-pull/index.ts';
import { createUdpTs } from '@watchpost/server/protocols/udp-ts/index.ts';
import { freePort, runProgram, startTestServer, type TestServer, wait } from './harness.ts';
import { assertConsecutive, numbersOf, runningProgram } from './live-numbers.ts';
import { checkRecordings, filesOf, jumpsOf } from './recorded-frames.ts';
import { ffmpegPlays, RtmpBench } from './rtmp-bench.ts';
import { flashAndBeep, soundOffsetsMs } from './sound-offset.ts';

const stack = new AsyncDisposableStack();
let bench: RtmpBench;
let webPort = 0;
let dir = '';
let liveLists: Promise<void>;
let udpPort = 0;

const web = (path: string) => `http://127.0.0.1:${webPort}/${path}`;

/** nginx hands out what FFmpeg makes; `/secret/` wants a login. */
async function startNginx(): Promise<void> {
  webPort = await freePort();
  mkdirSync(join(dir, 'web/secret'), { recursive: true });
  writeFileSync(join(dir, 'users'), 'bob:{PLAIN}s3cret\n');
  writeFileSync(
    join(dir, 'nginx.conf'),
    `daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error.log warn;
events { worker_connections 256; }
http { access_log off; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/tmp;`).join(' ')}
  server { listen 127.0.0.1:${webPort}; root ${dir}/web;
    location /secret/ { auth_basic "x"; auth_basic_user_file ${dir}/users; }
    location = /moved.m3u8 { return 302 /vod/master.m3u8; }
} }
`,
  );
  stack.use(
    runningProgram('/usr/sbin/nginx', ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')]),
  );
  await wait(300);
}

const copyOf = (name: string) => [
  '-v',
  'error',
  '-rtsp_transport',
  'tcp',
  '-i',
  bench.camera.urls[name]!,
  '-c',
  'copy',
];

/** Files of 5 s: HLS of MPEG-TS, encrypted, of byte ranges, of fMP4; a list of lists; FLV. */
async function makeFiles(): Promise<void> {
  const clip = join(dir, 'clip.mp4');
  await runProgram('ffmpeg', [...copyOf('main'), '-t', '5', clip], 30_000);
  const vod = join(dir, 'web/vod');
  mkdirSync(vod, { recursive: true });
  const key = join(dir, 'web/vod/key');
  writeFileSync(key, Buffer.from('0123456789abcdef'));
  writeFileSync(join(dir, 'keyinfo'), `key\n${key}\n000102030405060708090a0b0c0d0e0f\n`);
  const hls = ['-c', 'copy', '-f', 'hls', '-hls_time', '2', '-hls_list_size', '0', '-hls_playlist_type', 'vod'];
  const make = (name: string, more: readonly string[]) =>
    runProgram('ffmpeg', ['-v', 'error', '-i', clip, ...hls, ...more, join(vod, `${name}.m3u8`)]);
  await make('ts', ['-hls_segment_filename', join(vod, 'ts%d.ts')]);
  await make('aes', ['-hls_segment_filename', join(vod, 'aes%d.ts'), '-hls_key_info_file', join(dir, 'keyinfo')]);
  await make('ranges', ['-hls_flags', 'single_file', '-hls_segment_filename', join(vod, 'ranges.ts')]);
  await make('fmp4', ['-hls_segment_type', 'fmp4', '-hls_segment_filename', join(vod, 'fmp4%d.m4s')]);
  const variants = '#EXT-X-STREAM-INF:BANDWIDTH=1\nmissing.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=900000\nts.m3u8\n';
  writeFileSync(join(vod, 'master.m3u8'), `#EXTM3U\n${variants}`);
  for (const path of ['web/clip.flv', 'web/secret/clip.flv'])
    await runProgram('ffmpeg', ['-v', 'error', '-i', clip, '-c', 'copy', '-f', 'flv', join(dir, path)]);
}

/** Lists of pictures (with B pictures) and of sound, in fMP4, MPEG-TS and packed AAC; each list of lists is `master.m3u8`. */
async function makeApart(): Promise<void> {
  const clip = join(dir, 'flash.mp4');
  const encode = ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2', '-g', '25', '-c:a', 'aac'];
  await runProgram('ffmpeg', ['-v', 'error', ...flashAndBeep(14), ...encode, clip]);
  const split = [
    '-map',
    '0:v',
    '-map',
    '0:a',
    '-c',
    'copy',
    '-f',
    'hls',
    '-hls_time',
    '2',
    '-hls_playlist_type',
    'vod',
  ];
  const group = ['-var_stream_map', 'v:0,agroup:a a:0,agroup:a,default:yes', '-master_pl_name', 'master.m3u8'];
  for (const type of ['fmp4', 'mpegts', 'packed']) {
    const folder = join(dir, 'web/apart', type);
    mkdirSync(folder, { recursive: true });
    const segments = ['-hls_segment_type', type === 'fmp4' ? 'fmp4' : 'mpegts', ...group, join(folder, 's%v.m3u8')];
    const { stderr } = await runProgram('ffmpeg', ['-v', 'error', '-i', clip, ...split, ...segments]);
    assert.equal(stderr, '');
  }
  await packSound(join(dir, 'web/apart/packed'));
}

/** Puts packed AAC in the place of the segments of sound, with the time stamps that those have. */
async function packSound(folder: string): Promise<void> {
  for (const file of globSync(join(folder, 's1?.ts'))) {
    const entries = ['-show_entries', 'packet=pts', '-of', 'csv=p=0'];
    const { stdout: times } = await runProgram('ffprobe', ['-v', 'error', '-select_streams', 'a', ...entries, file]);
    const { stdout: frames } = await runProgram('ffmpeg', ['-v', 'error', '-i', file, '-c', 'copy', '-f', 'adts', '-']);
    writeFileSync(
      file.replace('.ts', '.aac'),
      Buffer.concat([tagWithTimestamp(Number.parseInt(`${times}`, 10)), frames]),
    );
    rmSync(file);
  }
  const list = join(folder, 's1.m3u8');
  writeFileSync(list, readFileSync(list, 'utf8').replaceAll('.ts', '.aac'));
}

/** Input of FFmpeg: AV1 and AAC in real time, without an end. */
function av1Lists(): string[] {
  const source = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25'];
  const sound = ['-re', '-f', 'lavfi', '-i', 'sine=sample_rate=48000'];
  const encode = ['-pix_fmt', 'yuv420p', '-c:v', 'libsvtav1', '-preset', '12', '-g', '50', '-c:a', 'aac'];
  return ['-v', 'error', ...source, ...sound, ...encode];
}

/** Begins HLS with and without sound in a list of its own, and MPEG-TS over UDP; resolves once there are two segments of each. */
async function startLiveLists(): Promise<void> {
  const live = join(dir, 'web/live');
  mkdirSync(live);
  const hls = ['-f', 'hls', '-hls_time', '2', '-hls_list_size', '4', '-hls_flags', 'delete_segments+omit_endlist'];
  // FFmpeg names no variant whose bits a second it does not know.
  const sound = '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",DEFAULT=YES,URI="s1.m3u8"';
  const variant = '#EXT-X-STREAM-INF:BANDWIDTH=1000000,AUDIO="a"\ns0.m3u8';
  writeFileSync(join(live, 'master.m3u8'), `#EXTM3U\n${sound}\n${variant}\n`);
  const fmp4 = ['-hls_segment_type', 'fmp4'];
  const group = ['-var_stream_map', 'v:0,agroup:a a:0,agroup:a', ...fmp4];
  const apart = ['-c', 'copy', '-map', '0:v', '-map', '0:a', ...hls, ...group, join(live, 's%v.m3u8')];
  udpPort = await freePort();
  const udp = ['-c', 'copy', '-f', 'mpegts', `udp://127.0.0.1:${udpPort}?pkt_size=1316`];
  const outputs = [...copyOf('main'), ...hls, join(live, 'a.m3u8'), ...apart, ...udp];
  stack.use(runningProgram('ffmpeg', outputs, { quiet: true }));
  stack.use(runningProgram('ffmpeg', [...av1Lists(), ...hls, ...fmp4, join(live, 'av1.m3u8')], { quiet: true }));
  const second = ['a1.ts', 's11.m4s', 'av11.m4s'];
  const isThere = () => second.every((name) => existsSync(join(live, name)));
  for (let i = 0; !isThere() && i < 150; i++) await wait(100);
}

/** Each picture once and 40 ms after the one before, and sound without a hole for all of the time. */
async function checkRecorded(server: TestServer, id: string): Promise<void> {
  const { frames } = await checkRecordings(server, id);
  // Those in AV1 bear no numbers.
  if (!id.startsWith('av1')) assert.deepEqual(jumpsOf(frames), [], id);
  assert.ok(frames.flat().length >= 100, `${id}: ${frames.flat().length} pictures`);
  for (const file of filesOf(server, id)) {
    const pictures = await timesOf(file, 'v');
    const sounds = await timesOf(file, 'a');
    assertEven(pictures, 40, `pictures of ${id}`);
    assertEven(sounds, (sounds.at(-1)! - sounds[0]!) / (sounds.length - 1), `sound of ${id}`);
    const apartMs = [sounds[0]! - pictures[0]!, sounds.at(-1)! - pictures.at(-1)!];
    // FFmpeg's MPEG-TS sends sound of a low bit rate in packets of 0.8 s.
    const mostMs = id === 'udp' ? 1000 : 250;
    for (const ms of apartMs) assert.ok(Math.abs(ms) < mostMs, `${id}: sound begins and ends ${apartMs} ms after`);
  }
}

/** One after the other by the same step. FFmpeg moves its time stamps once, when the camera's first report comes. */
function assertEven(times: readonly number[], stepMs: number, what: string): void {
  const steps = times.slice(1).map((ms, i) => ms - times[i]!);
  const uneven = steps.filter((step) => Math.abs(step - stepMs) >= 3);
  assert.ok(uneven.length <= 1 && uneven.every((step) => Math.abs(step - stepMs) < 20), `${what}: ${uneven} ms apart`);
}

/** Times of presentation of a file's packets of one kind, ms, in order. */
async function timesOf(file: string, kind: 'v' | 'a'): Promise<number[]> {
  const entries = ['-select_streams', kind, '-show_entries', 'packet=pts_time', '-of', 'csv=p=0'];
  const { stdout } = await runProgram('ffprobe', ['-v', 'error', ...entries, file]);
  return `${stdout}`
    .trim()
    .split(/\s+/)
    .map((time) => Number.parseFloat(time) * 1000)
    .sort((a, b) => a - b);
}

before(async () => {
  bench = stack.use(await RtmpBench.open([createHttpPull({ userAgent: 'Watchpost/test' }), createUdpTs()]));
  dir = mkdtempSync(join(tmpdir(), 'watchpost-pulls-'));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  await Promise.all([bench.online('main'), startNginx()]);
  liveLists = startLiveLists();
  await Promise.all([makeFiles(), makeApart()]);
});
after(() => stack.disposeAsync());

/** Pulls an address and plays it; the frames of a file begin at its own number. */
async function check(id: string, url: string, { count = 60, sound = 'aac' } = {}): Promise<void> {
  await bench.pull(id, url);
  await bench.online(id);
  const { stdout, stderr } = await ffmpegPlays(bench.url(id), count);
  assertConsecutive(numbersOf(stdout), count, `${id} ${stderr}`);
  const { tracks } = bench.hub.get(id)!;
  assert.equal(tracks[0]!.clockRate, 90_000);
  const codecs = tracks.map(({ codec }) => codec);
  assert.deepEqual(codecs, sound === '' ? ['h264'] : ['h264', sound]);
}

describe('other sources', { concurrency: 8 }, () => {
  test('live HLS of FFmpeg, and one with sound in a list of its own', { timeout: 40_000 }, async () => {
    await liveLists;
    await Promise.all([
      check('hls-live', web('live/a.m3u8'), { count: 100 }),
      check('hls-live-apart', web('live/master.m3u8'), { count: 100 }),
    ]);
  });

  test('all of them are recorded: each picture once, at an even pace, with their sound', {
    timeout: 55_000,
  }, async () => {
    await liveLists;
    const cameras = [
      { id: 'hls', url: web('live/a.m3u8') },
      { id: 'hls-apart', url: web('live/master.m3u8') },
      { id: 'flv', url: `http://127.0.0.1:${bench.httpPort}/flv/main.flv` },
      { id: 'rtmp', url: bench.url('main') },
      { id: 'udp', url: `udp://127.0.0.1:${udpPort}` },
    ];
    // AV1 goes out over RTP and comes in again.
    const rtspPort = await freePort();
    cameras.push(
      { id: 'av1', url: web('live/av1.m3u8') },
      { id: 'av1-rtp', url: `rtsp://127.0.0.1:${rtspPort}/live/av1` },
    );
    await using server = await startTestServer({
      ...{ cameras, recording: 'segment_duration = 4\nreconnect_delay = 1' },
      more: `[protocols.rtsp]\nbind = "127.0.0.1:${rtspPort}"`,
    });
    await server.guard(async () => {
      for (const { id } of cameras)
        await server.waitFor(id, (stream) => stream.recording.state === 'recording', 20_000);
      await wait(6000);
      await Promise.all(cameras.map(({ id }) => checkRecorded(server, id)));
    });
  });

  test('HTTP-FLV of a live server', { timeout: 40_000 }, () =>
    check('flv-live', `http://127.0.0.1:${bench.httpPort}/flv/main.flv`),
  );

  test('MPEG-TS over HTTP of FFmpeg', { timeout: 40_000 }, async () => {
    const port = await freePort();
    const args = [...copyOf('main'), '-f', 'mpegts', '-listen', '1', `http://127.0.0.1:${port}/live.ts`];
    await using _sender = runningProgram('ffmpeg', args, { quiet: true });
    await check('ts-live', `http://127.0.0.1:${port}/live.ts`);
  });

  for (const [name, path] of [
    ['a list of lists behind a redirect', 'moved.m3u8'],
    ['encrypted segments', 'vod/aes.m3u8'],
    ['byte ranges', 'vod/ranges.m3u8'],
    ['fMP4', 'vod/fmp4.m3u8'],
  ] as const)
    test(`HLS: ${name}, at the pace of the recording`, { timeout: 40_000 }, async () => {
      const startMs = performance.now();
      await check(`hls-${path.replaceAll(/\W/g, '-')}`, web(path), { count: 100 });
      assert.ok(performance.now() - startMs > 2500, 'a file does not come all at once');
    });

  for (const type of ['fmp4', 'mpegts', 'packed'])
    test(`HLS: sound in a list of its own, ${type}, in time with the pictures`, { timeout: 40_000 }, async () => {
      const id = `apart-${type}`;
      await bench.pull(id, web(`apart/${type}/master.m3u8`));
      await bench.online(id);
      const file = join(dir, `${id}.mkv`);
      await runProgram('ffmpeg', ['-v', 'error', '-i', bench.url(id), '-c', 'copy', '-t', '5', file], 20_000);
      const offsets = await soundOffsetsMs(file);
      assert.ok(offsets.length >= 3, `${offsets.length} flashes with a beep`);
      for (const offset of offsets) assert.ok(Math.abs(offset) < 20, `sound is ${offsets} ms after the picture`);
    });

  test('an FLV file with a login; without it the reason says so', { timeout: 40_000 }, async () => {
    await bench.pull('no-login', web('secret/clip.flv'));
    await check('flv-file', web('secret/clip.flv').replace('//', '//bob:s3cret@'), { count: 80 });
    assert.equal(bench.hub.get('no-login')!.reason?.code, 'HTTP_LOGIN_REFUSED');
    await bench.pull('a-page', web('vod/key'));
    for (let i = 0; bench.hub.get('a-page')!.reason === undefined && i < 50; i++) await wait(100);
    assert.equal(bench.hub.get('a-page')!.reason?.code, 'HTTP_CONTENT');
  });

  test('MPEG-TS over UDP: unicast, in RTP, multicast', { timeout: 40_000 }, async () => {
    const [plain, rtp, group] = [await freePort(), await freePort(), await freePort()];
    const send = (format: string, url: string) =>
      runningProgram('ffmpeg', [...copyOf('sub'), '-f', format, url], { quiet: true });
    await using _plain = send('mpegts', `udp://127.0.0.1:${plain}?pkt_size=1316`);
    await using _rtp = send('rtp_mpegts', `rtp://127.0.0.1:${rtp}`);
    await using _group = send('mpegts', `udp://239.255.77.7:${group}?pkt_size=1316&localaddr=127.0.0.1&ttl=0`);
    await Promise.all([
      check('udp-plain', `udp://127.0.0.1:${plain}`, { sound: '' }),
      check('udp-rtp', `udp://127.0.0.1:${rtp}`, { sound: '' }),
      check('udp-group', `udp://239.255.77.7:${group}?interface=127.0.0.1`, { sound: '' }),
    ]);
    const transports = ['udp-plain', 'udp-rtp', 'udp-group'].map((id) => bench.hub.get(id)!.transport?.name);
    assert.deepEqual(transports, ['udp', 'udp', 'multicast']);
  });
});
