import type { BitReader } from '../bit-reader.ts';

/** Frames per second from the VUI (ITU-T H.265 §E.2.1), undefined where it has no timing. Throws `malformed` where it ends too early. */
export function readH265Vui(reader: BitReader): number | undefined {
  if (reader.flag() && reader.bits(8) === 255) reader.skip(32);
  if (reader.flag()) reader.skip(1);
  if (reader.flag()) {
    reader.skip(4);
    if (reader.flag()) reader.skip(24);
  }
  if (reader.flag()) {
    reader.ue();
    reader.ue();
  }
  reader.skip(3);
  if (reader.flag()) for (let i = 0; i < 4; i++) reader.ue();
  if (!reader.flag()) return undefined;
  const unitsInTick = reader.bits(32);
  const timeScale = reader.bits(32);
  if (unitsInTick === 0) return undefined;
  const fps = timeScale / unitsInTick;
  // Placeholders such as 90000/1 are no frame rate of a camera.
  return fps >= 0.01 && fps <= 1000 ? fps : undefined;
}
