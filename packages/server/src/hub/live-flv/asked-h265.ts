import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FlvH265 } from '@watchpost/media/container/flv/sequence-header.ts';

/**
 * How a player wants H.265: `hevc=12` in its address asks for the old codec id, without it goes the FourCC `hvc1`.
 *
 * @throws WatchpostError of kind `invalid_argument` for any other value.
 */
export function readFlvH265(query: URLSearchParams): FlvH265 {
  const asked = query.get('hevc');
  if (asked === null) return 'fourcc';
  if (asked === '12') return 'id12';
  throw new WatchpostError(
    `There is no form "${asked}" of H.265 — hevc=12 is the old one; leave it out for the FourCC`,
    {
      kind: 'invalid_argument',
      code: 'FLV_HEVC_UNKNOWN',
    },
  );
}
