const range33 = 2 ** 33;

/** Bytes of the largest header that is written. */
export const maxPesHeaderBytes = 19;

/** Header of a PES packet with PTS, and DTS where it differs (ISO/IEC 13818-1 §2.4.3.6). `payload`: bytes after it. Returns its length. */
export function writePesHeader(
  bytes: Uint8Array,
  pes: { readonly streamId: number; readonly payload: number; readonly pts: number; readonly dts: number },
): number {
  const hasDts = pes.dts !== pes.pts;
  const fields = hasDts ? 10 : 5;
  const length = 3 + fields + pes.payload;
  bytes[0] = 0;
  bytes[1] = 0;
  bytes[2] = 1;
  bytes[3] = pes.streamId;
  // 0: unbounded, which only video may be.
  bytes[4] = length > 0xffff ? 0 : length >> 8;
  bytes[5] = length > 0xffff ? 0 : length & 255;
  // data_alignment_indicator: an access unit begins here.
  bytes[6] = 0x84;
  bytes[7] = hasDts ? 0xc0 : 0x80;
  bytes[8] = fields;
  writeTimestamp(bytes, 9, hasDts ? 3 : 2, pes.pts);
  if (hasDts) writeTimestamp(bytes, 14, 1, pes.dts);
  return 9 + fields;
}

function writeTimestamp(bytes: Uint8Array, at: number, prefix: number, ticks: number): void {
  const value = ticks % range33;
  const top = Math.floor(value / 0x4000_0000);
  const low = value % 0x4000_0000;
  bytes[at] = (prefix << 4) | (top << 1) | 1;
  bytes[at + 1] = low >>> 22;
  bytes[at + 2] = ((low >>> 14) & 0xfe) | 1;
  bytes[at + 3] = low >>> 7;
  bytes[at + 4] = ((low << 1) & 0xfe) | 1;
}

/** A timestamp of 33 bits. */
export function readTimestamp(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! >> 1) & 7) * 0x4000_0000 +
    ((bytes[at + 1]! << 22) | ((bytes[at + 2]! >> 1) << 15) | (bytes[at + 3]! << 7) | (bytes[at + 4]! >> 1))
  );
}

/** A timestamp of 33 bits without wraps: the one nearest to `reference`. */
export function unwrap33(timestamp: number, reference: number): number {
  const difference = (((timestamp - reference) % range33) + range33) % range33;
  return reference + (difference >= range33 / 2 ? difference - range33 : difference);
}
