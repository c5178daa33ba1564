import type { Track } from '../types.ts';
import { h264NalType, h264NalTypeOf } from './h264/nal-type.ts';
import { parseH264Sps } from './h264/sps.ts';
import { h265NalType, h265NalTypeOf } from './h265/nal-type.ts';
import { parseH265Sps } from './h265/sps.ts';

/**
 * Pictures that may come before another in decode order and after it on the screen, as the SPS of a track says
 * (max_num_reorder_frames, ITU-T H.264 §E.2.1; sps_max_num_reorder_pics, ITU-T H.265 §7.4.3.2), 0…16. Undefined where
 * it does not say or cannot be read; 0 for codecs without such pictures.
 */
export function reorderDepthOf(track: Track): number | undefined {
  if (track.codec !== 'h264' && track.codec !== 'h265') return 0;
  try {
    for (const set of track.parameterSets) {
      if (track.codec === 'h264' && h264NalTypeOf(set) === h264NalType.sps) return parseH264Sps(set).reorderFrames;
      if (track.codec === 'h265' && h265NalTypeOf(set) === h265NalType.sps) return parseH265Sps(set).reorderFrames;
    }
  } catch {
    return undefined;
  }
  return undefined;
}
