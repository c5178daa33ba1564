import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { SdpTrack } from '../sdp/tracks.ts';
import { clientError, type RequestContext } from './client-errors.ts';
import { type TransportSpec, writeTransport } from './transport.ts';

/** How media come: over the RTSP connection, in datagrams to a pair of our ports, or to a group that the camera names. */
export type MediaTransport = 'tcp' | 'udp' | 'multicast';

/** True for a track whose packets are SRTP (RFC 3711 §12, RFC 5124). */
export function isEncrypted({ profile }: SdpTrack): boolean {
  return profile.includes('SAVP');
}

/** The `Transport` of a SETUP (RFC 2326 §12.39). `place`: two channels, or two of our ports; none for a group. */
export function writeSetupTransport(
  track: SdpTrack,
  transport: MediaTransport,
  place: readonly [rtp: number, rtcp: number] | undefined,
): string {
  const secure = isEncrypted(track);
  // Feedback (AVPF) is nothing that we send; where media are encrypted, the camera may have no other profile.
  const profile = track.profile.startsWith('RTP/') && !secure ? 'RTP/AVP' : track.profile;
  const lower = transport === 'tcp' ? 'tcp' : 'udp';
  // No `mode=play`: it upsets some servers, and playing is the default (RFC 2326 §12.39).
  return writeTransport({
    profile: lower === 'tcp' ? `${profile}/TCP` : profile,
    lower,
    secure,
    multicast: transport === 'multicast',
    ...(place && (lower === 'tcp' ? { interleaved: place } : { clientPort: place })),
  });
}

/** The error for a SETUP reply that agrees to another transport than was asked for; undefined where it is the same. */
export function otherTransportError(
  asked: MediaTransport,
  spec: TransportSpec | undefined,
  request: RequestContext,
): WatchpostError | undefined {
  // Without a Transport header it is what was asked for.
  if (spec === undefined) return undefined;
  const given: MediaTransport = spec.lower === 'tcp' ? 'tcp' : spec.multicast ? 'multicast' : 'udp';
  if (given === asked) return undefined;
  return clientError('RTSP_TRANSPORT_UNSUPPORTED', {
    kind: 'unsupported',
    message: `the camera sends over ${given} where ${asked} was asked for — choose that one for this source`,
    request,
  });
}

/** The error for channels that are taken, or no pair. */
export function channelsError(channels: readonly [number, number], request: RequestContext): WatchpostError {
  return clientError('RTSP_CHANNELS_INVALID', {
    kind: 'malformed',
    message: `the camera gave channels ${channels.join('-')} to a track, which are taken or no pair — update its firmware`,
    request,
  });
}
