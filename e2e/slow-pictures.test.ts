// A camera of one picture in four seconds: its sound is recorded to the end all the same.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, runProgram, startTestServer, wait } from './harness.ts';

const seconds = 11;

/** Times at which the sound of a file begins and ends, as FFmpeg reads it. */
async function soundIn(file: string): Promise<{ packets: number; fromSeconds: number; toSeconds: number }> {
  const entries = ['-select_streams', 'a', '-show_entries', 'packet=pts_time,duration_time', '-of', 'csv=p=0'];
  const { stdout, stderr, status } = await runProgram('ffprobe', ['-v', 'error', ...entries, file]);
  assert.equal(status, 0, stderr);
  const packets = stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.split(',').map(Number));
  const [last = 0, lasts = 0] = packets.at(-1) ?? [];
  return { packets: packets.length, fromSeconds: packets[0]?.[0] ?? 0, toSeconds: last + lasts };
}

test('sound that no picture follows is in the files, in what is exported and in what is played', {
  timeout: 60_000,
}, async () => {
  const rtsp = await freePort();
  await using server = await startTestServer({
    recording: 'segment_duration = 60',
    more: `[protocols.rtsp]\nbind = "127.0.0.1:${rtsp}"\n`,
  });
  const clip = join(server.dir, 'clip.mp4');
  const video = ['-f', 'lavfi', '-i', `testsrc=size=320x180:rate=1/4:duration=12`];
  const audio = ['-f', 'lavfi', '-i', `sine=sample_rate=48000:duration=${seconds}`];
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '1', '-bf', '0', '-c:a', 'aac'];
  await runProgram('ffmpeg', ['-v', 'error', ...video, ...audio, ...encode, clip]);
  const target = ['-f', 'rtsp', '-rtsp_transport', 'tcp', `rtsp://127.0.0.1:${rtsp}/live/slow`];
  const sent = runProgram('ffmpeg', ['-v', 'error', '-re', '-i', clip, '-c', 'copy', ...target]);
  const streams = async () => (await server.api<{ streams: unknown[] }>('/streams')).streams;
  for (let i = 0; i < 80 && (await streams()).length === 0; i++) await wait(100);
  await server.waitFor('slow', 'online', 8000);
  await server.api('/streams/slow/recording/start', { method: 'POST' });
  const { status, stderr } = await sent;
  assert.equal(status, 0, stderr);
  await wait(3000);
  const { segments } = await server.api<{ segments: { id: string; start: string; end: string }[] }>('/recordings/slow');
  const start = segments[0]!.start;
  const end = segments.at(-1)!.end;
  const range = `start=${start}&end=${end}`;
  const whole = [
    `${server.base}/recordings-hls/slow/index.m3u8?start=${Date.parse(start)}&end=${Date.parse(end)}`,
    `${server.base}/api/v1/recordings/slow/playback?format=mp4&${range}`,
  ];
  for (const file of whole) {
    const { fromSeconds, toSeconds } = await soundIn(file);
    const heard = toSeconds - fromSeconds;
    assert.ok(Math.abs(heard - seconds) < 0.2, `${heard} s of sound in ${file}`);
  }
  const files = await Promise.all(segments.map(({ id }) => soundIn(`${server.base}/recordings-hls/slow/${id}.mp4`)));
  const packets = files.reduce((sum, file) => sum + file.packets, 0);
  assert.ok(Math.abs(packets - (seconds * 48_000) / 1024) < 10, `${packets} packets`);
});
