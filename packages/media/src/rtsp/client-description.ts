import type { WatchpostError } from '@watchpost/base/errors.ts';
import { parseSdp } from '../sdp/parse.ts';
import type { SdpSession } from '../sdp/sdp.ts';
import type { SdpTrack } from '../sdp/tracks.ts';
import { clientError, type RequestContext } from './client-errors.ts';
import { headerOf, type RtspResponse } from './message.ts';

/** The description in the answer to DESCRIBE. Throws `unsupported` (`RTSP_DESCRIPTION_TYPE`) or what `parseSdp` throws. */
export function descriptionOf(response: RtspResponse, request: RequestContext): SdpSession {
  // `application/sdp; charset=utf-8` is SDP, too.
  const type = headerOf(response, 'Content-Type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== undefined && type !== '' && type !== 'application/sdp')
    throw clientError('RTSP_DESCRIPTION_TYPE', {
      kind: 'unsupported',
      message: `the camera describes the stream as "${type}", which is not SDP — check the path of the URL`,
      request,
    });
  return parseSdp(response.body);
}

/** The error where none of the tracks is to be set up. */
export function noTracksError(tracks: readonly SdpTrack[], request: RequestContext): WatchpostError {
  const secure = tracks.some((track) => track.profile.includes('SAVP'));
  return clientError(secure ? 'RTSP_ENCRYPTED_MEDIA' : 'RTSP_NO_TRACKS', {
    kind: 'unsupported',
    message: secure
      ? 'the camera sends encrypted media (SRTP) only — switch SRTP off on the device'
      : 'the stream has no track that can be used — check the codec that is set on the camera',
    request,
  });
}
