import { WatchpostError } from '@watchpost/base/errors.ts';
import { stripAdts } from './aac/adts.ts';
import { parseAudioSpecificConfig } from './aac/config.ts';
import { parseLatmConfig } from './aac/latm.ts';
import { av1CodecString, parseAv1C } from './av1/decoder-config.ts';
import { splitObus } from './av1/obu.ts';
import { parseAv1Sequence } from './av1/sequence-header.ts';
import { decodeG711 } from './g711/decode.ts';
import { splitAnnexB } from './h264/annex-b.ts';
import { splitAvcc } from './h264/avcc.ts';
import { parseAvcC } from './h264/decoder-config.ts';
import { hasRecoveryPoint } from './h264/is-key.ts';
import { parseH264Sps } from './h264/sps.ts';
import { parseHvcC } from './h265/decoder-config.ts';
import { parseH265Sps } from './h265/sps.ts';
import { readJpegHead } from './jpeg/read-header.ts';
import { parseMpegAudioHeader } from './mpeg-audio/frame-header.ts';
import { parseVp8Header, parseVp9Header } from './vpx/frame-header.ts';

const parsers: readonly ((bytes: Uint8Array) => unknown)[] = [
  parseH264Sps,
  parseH265Sps,
  parseAvcC,
  parseHvcC,
  parseAudioSpecificConfig,
  parseLatmConfig,
  readJpegHead,
  parseVp8Header,
  parseVp9Header,
  parseAv1Sequence,
  parseAv1C,
  av1CodecString,
  splitObus,
  (bytes) => parseMpegAudioHeader(bytes, 0),
  stripAdts,
  (bytes) => splitAnnexB(bytes),
  (bytes) => splitAvcc(bytes),
  (bytes) => splitAvcc(bytes, 2),
  (bytes) => hasRecoveryPoint(bytes, 0, bytes.length),
  (bytes) => decodeG711('pcma', bytes),
];

/** Fuzz entry: no parser of this folder may throw anything but `malformed`, whatever the bytes. */
export function fuzz(bytes: Uint8Array): void {
  for (const parse of parsers) {
    try {
      parse(bytes);
    } catch (error) {
      if (!(error instanceof WatchpostError) || error.kind !== 'malformed') throw error;
    }
  }
}
