import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const few = 10;
const many = 200;

/**
 * CPU seconds that FFmpeg's own decoder, scaler and encoder take for one JPEG, in one process that makes many of the same
 * key picture of H.264: nothing is started, asked or answered. The floor of whoever uses these libraries.
 */
export function jpegFloor(keyPicture: Uint8Array): number {
  const dir = mkdtempSync(join(tmpdir(), 'watchpost-bench-'));
  try {
    return (cpuSeconds(dir, keyPicture, few + many) - cpuSeconds(dir, keyPicture, few)) / many;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function cpuSeconds(dir: string, keyPicture: Uint8Array, count: number): number {
  const file = join(dir, `${count}.h264`);
  writeFileSync(file, Buffer.concat(Array.from({ length: count }, () => keyPicture)));
  const read = ['-threads', '1', '-f', 'h264', '-i', file, '-an', '-filter_threads', '1', '-fps_mode', 'passthrough'];
  const written = ['-threads', '1', '-c:v', 'mjpeg', '-q:v', '4', '-f', 'mjpeg', '-y', '/dev/null'];
  const { stderr } = spawnSync('ffmpeg', ['-hide_banner', '-nostats', '-benchmark', ...read, ...written], {
    encoding: 'utf8',
  });
  const frames = Number(/frame= *(\d+)/.exec(stderr)?.[1]);
  const [, user, system] = /utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr) ?? [];
  if (frames !== count) throw new Error(`FFmpeg made ${frames} JPEGs of ${count}:\n${stderr}`);
  return Number(user) + Number(system);
}
