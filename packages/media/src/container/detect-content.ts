/** What an address or a file can give. */
export type ContentKind = 'flv' | 'ts' | 'hls' | 'mp4';

const tsPacketBytes = 188;
/** Boxes that MP4 files begin with (ISO/IEC 14496-12 §4.3). */
const firstBoxes: ReadonlySet<string> = new Set(['ftyp', 'styp', 'moov', 'mdat', 'free', 'skip', 'wide']);
/** So many bytes decide. */
export const enoughToDetect = 2 * tsPacketBytes + 1;

/** What content begins like this; undefined where none does. */
export function detectContent(head: Uint8Array): ContentKind | undefined {
  if (head[0] === 0x46 && head[1] === 0x4c && head[2] === 0x56) return 'flv';
  const text = String.fromCharCode(...head.subarray(0, 64))
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart();
  if (text.startsWith('#EXTM3U')) return 'hls';
  if (firstBoxes.has(String.fromCharCode(...head.subarray(4, 8)))) return 'mp4';
  // MPEG-TS may be entered amid a packet.
  for (let at = 0; at < tsPacketBytes && at + tsPacketBytes < head.length; at++) {
    if (head[at] === 0x47 && head[at + tsPacketBytes] === 0x47) return 'ts';
  }
  return undefined;
}
