import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { freePort, runProgram, wait } from './harness.ts';
import { assertConsecutive, numbersOf, runningProgram } from './live-numbers.ts';
import { makeNumberedClip, writeNumberedPictures } from './numbered-clip.ts';
import {
  assertPlayed,
  ffmpeg8,
  ffmpeg8Plays,
  ffmpegCounts,
  ffmpegPlays,
  gstreamerPlays,
  RtmpBench,
} from './rtmp-bench.ts';

const stack = new AsyncDisposableStack();
let bench: RtmpBench;
before(async () => {
  bench = stack.use(await RtmpBench.open());
});
after(() => stack.disposeAsync());

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function hash(units: readonly Uint8Array[]): string {
  const sum = createHash('sha1');
  for (const unit of units) sum.update(unit);
  return sum.digest('hex');
}

describe('RTMP', { concurrency: 3 }, () => {
  test('FFmpeg and GStreamer play H.264 of a camera: consecutive frames', { timeout: 45_000 }, async () => {
    await Promise.all([bench.online('main'), bench.online('sub')]);
    const [main, sub, gst, token] = await Promise.all([
      ffmpegPlays(bench.url('main'), 110),
      ffmpegPlays(bench.url('sub'), 110),
      gstreamerPlays(['rtmp2src', `location=${bench.url('sub')}`]),
      ffmpegPlays(bench.url('main', '?token=abc.def'), 40),
    ]);
    assertConsecutive(numbersOf(main.stdout), 110, `main ${main.stderr}`);
    assertConsecutive(numbersOf(sub.stdout), 110, `sub ${sub.stderr}`);
    assertConsecutive(numbersOf(token.stdout), 40, `token ${token.stderr}`);
    // What its decoder still holds at the end comes out of order.
    assertConsecutive(numbersOf(gst.stdout).slice(0, 60), 60, gst.stderr);
    assert.equal(main.stderr + sub.stderr, '');
  });

  test('time stamps of picture and sound go on evenly and keep together', { timeout: 30_000 }, async () => {
    await bench.online('main');
    const { stdout } = await runProgram(
      'ffprobe',
      [
        ...['-v', 'error', '-show_entries', 'packet=codec_type,dts_time', '-of', 'csv=p=0', '-read_intervals', '%+4'],
        bench.url('main'),
      ],
      20_000,
    );
    const rows = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    const times = (kind: string) => rows.filter(([type]) => type === kind).map(([, time]) => Number(time));
    const video = times('video');
    const sound = times('audio');
    assert.ok(video.length > 60 && sound.length > 100, `${video.length} pictures, ${sound.length} frames of sound`);
    for (const [i, time] of video.entries())
      if (i > 0) assert.ok(Math.abs(time - video[i - 1]! - 0.04) < 0.0025, `picture ${i}: ${video[i - 1]} ${time}`);
    for (const [i, time] of sound.entries()) if (i > 0) assert.ok(time > sound[i - 1]! && time - sound[i - 1]! < 0.06);
    assert.ok(Math.abs(video.at(-1)! - sound.at(-1)!) < 0.3, 'they end together');
  });

  test('FFmpeg and GStreamer publish; what they sent is played over RTMP and HTTP-FLV', {
    timeout: 55_000,
  }, async () => {
    const copy = ['-v', 'error', '-rtsp_transport', 'tcp', '-i', bench.camera.urls['main']!, '-c', 'copy', '-f', 'flv'];
    await using _ffmpeg = runningProgram('ffmpeg', [...copy, bench.url('by-ffmpeg')]);
    const source = ['-q', 'rtspsrc', `location=${bench.camera.urls['sub']}`, 'protocols=tcp', '!', 'rtph264depay', '!'];
    const sink = ['h264parse', '!', 'flvmux', 'streamable=true', '!', 'rtmp2sink', `location=${bench.url('by-gst')}`];
    await using _gst = runningProgram('gst-launch-1.0', [...source, ...sink]);
    const ids = ['by-ffmpeg', 'by-gst'];
    await Promise.all(ids.map((id) => bench.online(id)));
    assert.deepEqual(
      bench.hub.get('by-ffmpeg')!.tracks.map(({ codec }) => codec),
      ['h264', 'aac'],
    );
    const played = await Promise.all(ids.map((id) => ffmpegPlays(bench.url(id), 80)));
    for (const [i, { stdout, stderr }] of played.entries())
      assertConsecutive(numbersOf(stdout), 80, `${ids[i]} ${stderr}`);
    const flv = await ffmpegPlays(`http://127.0.0.1:${bench.httpPort}/flv/by-ffmpeg.flv`, 30);
    assertConsecutive(numbersOf(flv.stdout), 30, flv.stderr);
  });

  test('FFmpeg publishes where a definition names application and stream', { timeout: 40_000 }, async () => {
    await bench.define({ id: 'mapped', protocol: 'rtmp', publishPath: 'studio/camera-1' });
    const copy = ['-v', 'error', '-rtsp_transport', 'tcp', '-i', bench.camera.urls['sub']!, '-c', 'copy', '-f', 'flv'];
    const address = `rtmp://127.0.0.1:${bench.port}/studio/camera-1?user=obs&password=secret`;
    await using _ffmpeg = runningProgram('ffmpeg', [...copy, address]);
    await bench.online('mapped');
    const played = await ffmpegPlays(bench.url('mapped'), 40);
    assertConsecutive(numbersOf(played.stdout), 40, played.stderr);
    assert.equal(bench.hub.get('camera-1'), undefined);
  });

  test('whoever publishes later takes over; players go on', { timeout: 45_000 }, async () => {
    const copy = ['-v', 'error', '-rtsp_transport', 'tcp', '-i', bench.camera.urls['sub']!, '-c', 'copy', '-f', 'flv'];
    await using first = runningProgram('ffmpeg', [...copy, bench.url('taken')], { quiet: true });
    await bench.online('taken');
    await using player = ffmpegCounts(bench.url('taken'));
    await player.reaches(25);
    const { meter } = bench.hub.get('taken')!;
    const { reconnects } = meter;
    await using _second = runningProgram('ffmpeg', [...copy, bench.url('taken')]);
    for (let i = 0; meter.reconnects === reconnects && i < 200; i++) await wait(100);
    assert.ok(meter.reconnects > reconnects, 'the second one took over');
    await player.reaches(player.pictures + 75);
    for (let i = 0; first.exitCode === null && i < 80; i++) await wait(100);
    assert.notEqual(first.exitCode, null, 'the first one was hung up on');
  });

  test('FFmpeg 8 decodes H.265 over RTMP and HTTP-FLV, by FourCC and by the old id, and where it is pushed to', {
    timeout: 30_000,
  }, async () => {
    await bench.online('h265');
    const pushed = `rtmp://127.0.0.1:${await freePort()}/live/pushed`;
    const listening = ffmpeg8Plays(pushed, 40, 'listen');
    await wait(500);
    const source = parseSourceUrl(bench.camera.urls['h265']!);
    await bench.define({ id: 'h265-pushed', sources: [source], push: [parseSourceUrl(pushed)] });
    const flv = `http://127.0.0.1:${bench.httpPort}/flv/h265.flv`;
    const rtmp = bench.url('h265');
    const urls = [flv, `${flv}?hevc=12`, rtmp, `${rtmp}&hevc=12`];
    const late = [flv, rtmp].map((url) => wait(700).then(() => ffmpeg8Plays(url, 40)));
    const played = await Promise.all([...urls.map((url) => ffmpeg8Plays(url, 40)), ...late, listening]);
    await bench.hub.remove('h265-pushed');
    for (const one of played) assertPlayed(one, 40, ['hevc', 'pcm_alaw']);
  });

  test('FFmpeg 8 publishes H.265, AV1, VP9, VP8, Opus, FLAC and MP3 over RTMP and RTSP, and decodes them again', {
    timeout: 110_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'watchpost-e2e-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    const pictures = join(folder, 'pictures');
    // 16 s: players of a busy machine begin seconds after the publisher.
    writeNumberedPictures(pictures, 400);
    const h265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'bframes=2:keyint=25:log-level=error'];
    const av1 = ['-c:v', 'libsvtav1', '-preset', '12', '-c:a', 'libopus'];
    const vp9 = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus'];
    const vp8 = ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus'];
    const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'libmp3lame'];
    const rtmp = (name: string) => bench.url(name);
    const rtsp = (name: string) => bench.rtspUrl(name);
    const flv = (name: string) => `http://127.0.0.1:${bench.httpPort}/flv/${name}.flv`;
    /** Publishes a clip at each of the addresses, and plays it at all of `at`. */
    const run = async (
      codecs: readonly [video: string, audio: string],
      encoders: readonly string[],
      ways: readonly { readonly to: typeof rtmp; readonly at: readonly (typeof rtmp)[] }[],
    ) => {
      const [id] = codecs;
      const file = join(folder, `${id}.mkv`);
      await makeNumberedClip(pictures, file, encoders);
      const check = async ({ to, at }: (typeof ways)[number]) => {
        const name = `${id}-${to === rtsp ? 'rtsp' : 'rtmp'}`;
        stack.use(runningProgram(process.execPath, ffmpeg8('publish', file, to(name), 'udp')));
        await bench.online(name);
        // Over TCP: of sockets of its own for picture and sound FFmpeg empties that of the picture first.
        const played = await Promise.all(at.map((url) => ffmpeg8Plays(url(name), 40)));
        for (const one of played) assertPlayed(one, 40, codecs);
      };
      await Promise.all(ways.map(check));
    };
    await Promise.all([
      run(['hevc', 'flac'], [...h265, '-c:a', 'flac'], [{ to: rtmp, at: [rtmp, flv] }]),
      run(['h264', 'mp3float'], h264, [{ to: rtmp, at: [rtmp, flv] }]),
      // RTP that comes in goes out untouched: what comes as RTMP is packed here.
      run(['libdav1d', 'opus'], av1, [
        { to: rtmp, at: [rtmp, flv, rtsp] },
        { to: rtsp, at: [rtsp, rtmp] },
      ]),
      run(['vp9', 'opus'], vp9, [
        { to: rtmp, at: [flv, rtsp] },
        { to: rtsp, at: [rtmp] },
      ]),
      run(['vp8', 'opus'], vp8, [{ to: rtsp, at: [rtsp] }]),
    ]);
  });

  // FFmpeg tells nothing of parameter sets and hashes: our own client takes it again, unchanged.
  test('H.265 goes out and comes in as it was, under its FourCC and the old codec id', {
    timeout: 40_000,
  }, async () => {
    await bench.online('h265');
    await bench.pull('by-fourcc', bench.url('h265'));
    await bench.pull('by-id', `${bench.url('h265')}&hevc=12`);
    const streams = ['h265', 'by-fourcc', 'by-id'].map((id) => bench.hub.get(id)!);
    await Promise.all([bench.online('by-fourcc'), bench.online('by-id')]);
    const readers = streams.map((stream) => stream.openReader({ protocol: 'test', start: 'key' }));
    await wait(5000);
    const pictures = readers.map((reader) =>
      reader
        .pull()
        .filter(({ track }) => track.kind === 'video')
        .map(({ units, key, pts, dts }) => ({ hash: hash(units), key, composition: pts - dts })),
    );
    for (const reader of readers) reader.close();
    for (const [i, stream] of streams.entries()) {
      assert.equal(stream.tracks[0]!.codec, 'h265');
      assert.deepEqual(stream.tracks[0]!.parameterSets.map(hexOf), streams[0]!.tracks[0]!.parameterSets.map(hexOf));
      const begin = pictures[0]!.findIndex(({ hash: one }) => one === pictures[i]![0]!.hash);
      const same = pictures[0]!.slice(begin);
      const length = Math.min(same.length, pictures[i]!.length);
      assert.ok(begin >= 0 && length > 20, `${length} pictures`);
      assert.deepEqual(
        pictures[i]!.slice(0, length).map(({ hash: one, key }) => [one, key]),
        same.slice(0, length).map(({ hash: one, key }) => [one, key]),
      );
    }
  });

  test('a wrong password is told, and makes nothing', { timeout: 30_000 }, async () => {
    const copy = [
      '-v',
      'error',
      '-rtsp_transport',
      'tcp',
      '-i',
      bench.camera.urls['sub']!,
      '-c',
      'copy',
      '-t',
      '3',
      '-f',
      'flv',
    ];
    const [publish, play, missing] = await Promise.all([
      runProgram('ffmpeg', [...copy, bench.url('secretly', '?user=obs&password=wrong')]),
      ffmpegPlays(bench.url('main', ''), 1),
      ffmpegPlays(bench.url('none'), 1),
    ]);
    assert.match(publish.stderr, /name or password is wrong/);
    assert.equal(bench.hub.get('secretly'), undefined);
    assert.match(play.stderr, /name or password is wrong/);
    assert.match(missing.stderr, /there is no stream/);
  });

  test('garbage, half messages and players that read nothing harm nobody', { timeout: 40_000 }, async () => {
    const hello = Buffer.alloc(1 + 1536 + 1536);
    hello[0] = 3;
    const vandals = Array.from({ length: 30 }, (_, i) => {
      const socket = net.connect(bench.port, '127.0.0.1');
      socket.on('error', () => {});
      if (i % 3 === 0) socket.write(Buffer.alloc(500_000, 0x47));
      else if (i % 3 === 1) socket.write(Buffer.concat([hello, Buffer.alloc(500_000, 0xff)]));
      // A message of 16 MiB that is announced, and then comes byte by byte.
      else socket.write(Buffer.concat([hello, Buffer.from('04000000ffffff140000000000', 'hex')]));
      return socket;
    });
    const { stdout, stderr } = await ffmpegPlays(bench.url('main'), 110);
    for (const socket of vandals) socket.destroy();
    assertConsecutive(numbersOf(stdout), 110, stderr);
  });
});
