import { WatchpostError } from '@watchpost/base/errors.ts';
import type { MediaTransport } from '@watchpost/media/rtsp/client-setup.ts';
import type { SdpSession } from '@watchpost/media/sdp/sdp.ts';
import type { SdpTrack } from '@watchpost/media/sdp/tracks.ts';

const otherWayCodes: ReadonlySet<string> = new Set([
  'RTSP_TRANSPORT_UNSUPPORTED',
  'RTSP_UDP_SILENT',
  'RTSP_UDP_UNFIT',
  'RTSP_GROUP_MISSING',
  'RTSP_GROUP_UNREACHABLE',
  'RTP_PORTS_TAKEN',
]);
/** Refusals of SETUP by cameras that do not know 461 (RFC 2326 §11.3.14). */
const vagueStatuses: readonly unknown[] = [400, 406, 500, 501, 503];

/** True for errors that another transport may not meet. */
export function asksForOtherTransport(error: WatchpostError): boolean {
  if (otherWayCodes.has(error.code)) return true;
  return error.context['method'] === 'SETUP' && vagueStatuses.includes(error.context['status']);
}

/** Without a packetization mode above 0 (RFC 6184 §5.4) pictures are single packets, larger than datagrams get through with. */
export function needsTcp({ track, format }: SdpTrack): boolean {
  return track.codec === 'h264' && (format['packetization-mode'] ?? '0') === '0';
}

/** The error for a source that UDP does not fit. */
export function notOverUdp(why: string): WatchpostError {
  return new WatchpostError(`the camera cannot be pulled over UDP: ${why} — choose tcp for this source`, {
    kind: 'unsupported',
    code: 'RTSP_UDP_UNFIT',
  });
}

/** The error for a camera of which nothing comes. */
export function udpSilent(transport: MediaTransport, waitedMs: number): WatchpostError {
  const advice =
    transport === 'multicast'
      ? 'check that the network between carries multicast (IGMP), or choose tcp for this source'
      : 'check the firewall for UDP on protocols.rtsp.rtp_port_range, or choose tcp for this source';
  return new WatchpostError(
    `the camera plays, but nothing comes over ${transport} in ${waitedMs / 1000} s — ${advice}`,
    {
      kind: 'timeout',
      code: 'RTSP_UDP_SILENT',
      context: { transport },
    },
  );
}

/** The group that a description names for a track (RFC 2326 appendix C.1.7), for cameras that leave it out of their answer. */
export function groupOf(
  sdp: SdpSession | undefined,
  track: SdpTrack | undefined,
): { readonly address?: string; readonly port?: number } {
  const media = sdp?.media.find(({ control = '' }) => control === track?.control);
  const address = media?.address ?? sdp?.address;
  return { ...(address !== undefined && { address }), ...(media?.port && { port: media.port }) };
}
