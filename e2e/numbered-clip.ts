import { writeFileSync } from 'node:fs';
import { frameNumberLevel, frameNumberRows } from '@watchpost/simulator/frame-number.ts';
import { runProgram } from './harness.ts';
import { loopFrames } from './live-numbers.ts';

const width = 320;
const height = 180;
const fps = 25;

/** Gray pictures with frame numbers from 0 on, 25 a second, raw: what FFmpeg makes clips of. */
export function writeNumberedPictures(file: string, count: number): void {
  const pictures = new Uint8Array(width * height * count).fill(100);
  for (let number = 0; number < count; number++) {
    for (let x = 0; x < width; x++) {
      const level = frameNumberLevel(number % loopFrames, Math.floor((x * 16) / width));
      for (let y = 0; y < frameNumberRows(height); y++) pictures[(number * height + y) * width + x] = level;
    }
  }
  writeFileSync(file, pictures);
}

/** An MP4 of those pictures and a tone of 48 kHz; `encoders` are FFmpeg's options for both. */
export async function makeNumberedClip(pictures: string, file: string, encoders: readonly string[]): Promise<void> {
  const picture = ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${width}x${height}`, '-r', `${fps}`, '-i', pictures];
  const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-shortest'];
  const coded = ['-pix_fmt', 'yuv420p', '-b:v', '300k', '-g', `${fps}`, ...encoders, '-strict', '-2', file];
  const { status, stderr } = await runProgram('ffmpeg', ['-v', 'error', '-y', ...picture, ...tone, ...coded], 60_000);
  if (status !== 0) throw new Error(`the clip could not be made: ${stderr}`);
}
