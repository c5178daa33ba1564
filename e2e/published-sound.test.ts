// Sound and picture of an encoder that publishes by RTSP stay together, from the first second on.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, runProgram, startTestServer, wait } from './harness.ts';
import { flashAndBeep, soundOffsetsMs } from './sound-offset.ts';

/** Past the first ten seconds, after which tracks that seem to be apart are moved. */
const seconds = 16;
/** ITU-R BT.1359-1 notices sound from 45 ms early and 125 ms late on. */
const mostEarlyMs = 45;
const mostLateMs = 60;

test('beeps of FFmpeg over TCP and UDP are heard with their flashes', { timeout: 60_000 }, async () => {
  const rtsp = await freePort();
  await using server = await startTestServer({ more: `[protocols.rtsp]\nbind = "127.0.0.1:${rtsp}"\n` });
  const clip = join(server.dir, 'clip.mp4');
  const encode = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '25', '-bf', '0', '-c:a', 'aac'];
  await runProgram('ffmpeg', ['-v', 'error', ...flashAndBeep(seconds + 4), ...encode, clip]);
  const streams = async () => (await server.api<{ streams: unknown[] }>('/streams')).streams;
  const watch = async (transport: string) => {
    const target = ['-f', 'rtsp', '-rtsp_transport', transport, `rtsp://127.0.0.1:${rtsp}/live/${transport}`];
    const publishing = runProgram('ffmpeg', ['-v', 'error', '-re', '-i', clip, '-c', 'copy', ...target], 60_000);
    for (let i = 0; i < 100 && (await streams()).length < 2; i++) await wait(100);
    const seen = join(server.dir, `${transport}.mkv`);
    const input = ['-v', 'error', '-i', `${server.base}/flv/${transport}.flv`];
    await runProgram('ffmpeg', [...input, '-t', `${seconds}`, '-c', 'copy', '-copyts', seen], 60_000);
    await publishing;
    const offsets = await soundOffsetsMs(seen);
    assert.ok(offsets.length >= seconds - 4, `${transport}: ${offsets.length} beeps`);
    const isApart = offsets.some((ms) => ms < -mostEarlyMs || ms > mostLateMs);
    assert.ok(!isApart, `${transport}: ${offsets.map(Math.round)}`);
  };
  await Promise.all([watch('tcp'), watch('udp')]);
});
