import { concatBytes, fromHex, readU32, toHex, writeU32 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Track } from '@watchpost/media/types.ts';

/** A frame of a clip. */
export interface ClipSample {
  readonly trackIndex: number;
  readonly key: boolean;
  /** Ticks of the track's clock since the clip began; decoding and presentation are the same: there are no B-frames. */
  readonly dts: number;
  /** NAL units without start code, or one raw audio frame. */
  readonly units: readonly Uint8Array[];
}

/** A few seconds that play in a loop without a seam. */
export interface Clip {
  readonly durationMs: number;
  readonly tracks: readonly Track[];
  /** In order of time. */
  readonly samples: readonly ClipSample[];
}

const magic = new TextEncoder().encode('WPCLIP1\n');
const maxSampleBytes = 4 * 1024 * 1024;

/**
 * Reads a `.clip`: the 8 bytes `WPCLIP1\n`, a 32-bit length and that much JSON (`durationMs`, `tracks` with
 * `parameterSets` in hexadecimal), then samples: track index (8 bits), key flag (8), dts (32), number of units (16), and
 * each unit with its length (32). All numbers big endian. Throws `malformed` (`CLIP_MALFORMED`).
 */
export function parseClip(bytes: Uint8Array): Clip {
  if (!magic.every((byte, i) => bytes[i] === byte)) throw malformed('it does not begin with WPCLIP1');
  const headerEnd = 12 + readU32(bytes, 8);
  if (!(headerEnd <= bytes.length)) throw malformed('its header is cut off');
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(12, headerEnd)));
  const tracks: Track[] = header.tracks.map((track: { parameterSets: string[] }) => ({
    ...track,
    parameterSets: track.parameterSets.map(fromHex),
  }));
  const samples: ClipSample[] = [];
  for (let at = headerEnd; at < bytes.length; ) {
    if (at + 8 > bytes.length) throw malformed('a sample is cut off');
    const trackIndex = bytes[at]!;
    if (trackIndex >= tracks.length) throw malformed('a sample belongs to no track');
    const count = (bytes[at + 6]! << 8) | bytes[at + 7]!;
    const sample = { trackIndex, key: bytes[at + 1] === 1, dts: readU32(bytes, at + 2), units: [] as Uint8Array[] };
    at += 8;
    for (let i = 0; i < count; i++) {
      const length = at + 4 <= bytes.length ? readU32(bytes, at) : -1;
      if (length < 0 || length > maxSampleBytes || at + 4 + length > bytes.length) throw malformed('a unit is cut off');
      sample.units.push(bytes.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    samples.push(sample);
  }
  return { durationMs: header.durationMs, tracks, samples };
}

/** The clip as bytes: `parseClip(writeClip(x))` equals `x`. */
export function writeClip(clip: Clip): Uint8Array {
  const header = new TextEncoder().encode(
    JSON.stringify({
      durationMs: clip.durationMs,
      tracks: clip.tracks.map((track) => ({ ...track, parameterSets: track.parameterSets.map(toHex) })),
    }),
  );
  const parts: Uint8Array[] = [magic, u32(header.length), header];
  for (const sample of clip.samples) {
    const head = new Uint8Array(8);
    head[0] = sample.trackIndex;
    head[1] = sample.key ? 1 : 0;
    writeU32(head, 2, sample.dts);
    head[6] = sample.units.length >> 8;
    head[7] = sample.units.length;
    parts.push(head);
    for (const unit of sample.units) parts.push(u32(unit.length), unit);
  }
  return concatBytes(parts);
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, value);
  return bytes;
}

function malformed(what: string): WatchpostError {
  return new WatchpostError(`this is no clip of the simulator: ${what} — make it again with scripts/make-clips.ts`, {
    kind: 'malformed',
    code: 'CLIP_MALFORMED',
  });
}
