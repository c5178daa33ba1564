import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { concatBytes } from '@watchpost/base/bytes.ts';
import { writeFlacFrame } from '@watchpost/media/codec/flac/flac-frame.ts';
import { writeFlacStreamInfo } from '@watchpost/media/codec/flac/stream-info.ts';

const magic = new TextEncoder().encode('fLaC');

/** Deterministic noise, -1…1. */
function noise(i: number): number {
  return Math.sin(i * 12.9898 + 78.233 * (i % 7)) * Math.cos(i * 4.1414);
}

const signals: Record<string, (i: number) => number> = {
  silence: () => 0,
  tone: (i) => Math.round(12_000 * Math.sin(i / 9)),
  extremes: (i) => (i % 2 === 0 ? 32_767 : -32_768),
  noise: (i) => Math.round(32_767 * noise(i)),
  mixed: (i) => Math.round(4000 * Math.sin(i / 30) + (i > 9000 ? 500 * noise(i) : 0)),
};

for (const [name, signal] of Object.entries(signals)) {
  for (const [sampleRate, channels, blockSamples] of [
    [8000, 1, 160],
    [48_000, 2, 1024],
    [96_000, 1, 333],
  ] as const) {
    test(`ffmpeg decodes FLAC of ${name} at ${sampleRate} Hz with ${channels} channels bit by bit`, () => {
      const frames = 160;
      const pcm = Int16Array.from({ length: frames * blockSamples * channels }, (_, i) => signal(i));
      const format = { sampleRate, channels, blockSamples };
      const parts: Uint8Array[] = [magic, writeFlacStreamInfo(format)];
      const step = blockSamples * channels;
      for (let frame = 0; frame < frames; frame++) {
        parts.push(writeFlacFrame(format, frame, pcm.subarray(frame * step, (frame + 1) * step)));
      }
      const file = concatBytes(parts);
      const args = ['-v', 'error', '-xerror', '-err_detect', 'crccheck+explode', '-f', 'flac', '-i', '-'];
      const decoded = execFileSync('ffmpeg', [...args, '-f', 's16le', '-'], { input: file, maxBuffer: 1 << 26 });
      assert.deepEqual(decoded, Buffer.from(pcm.buffer));
      assert.ok(file.length < pcm.byteLength * 1.1 + 100);
    });
  }
}
