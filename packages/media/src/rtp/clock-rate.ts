import type { Track } from '../types.ts';

/**
 * Ticks per second of RTP time stamps, as the payload formats prescribe: 90 000 for pictures (RFC 6184 §8.2.1, RFC 7798
 * §7.1, RFC 3551 §5) and MPEG sound (RFC 3551 §4.5.13), 48 000 for Opus (RFC 7587 §4.1). Tracks out of containers may have
 * another clock, which GStreamer's depayloaders refuse.
 */
export function rtpClockRate(track: Track): number {
  if (track.kind === 'video' || track.codec === 'mp3') return 90_000;
  return track.codec === 'opus' ? 48_000 : track.clockRate;
}
