import { type ErrorKind, WatchpostError } from '@watchpost/base/errors.ts';
import { headerOf, type RtspResponse } from './message.ts';

/** `advice`: what it means and what to do, after `… answered METHOD with 404 Not Found: `. */
type StatusMeaning = readonly [kind: ErrorKind, code: string, advice: string];

const statuses: Readonly<Record<number, StatusMeaning>> = {
  400: [
    'malformed',
    'RTSP_BAD_REQUEST',
    'it did not understand the request — check the path of the URL, and the firmware for updates',
  ],
  402: ['forbidden', 'RTSP_PAYMENT_REQUIRED', 'it wants payment — check the account of the service'],
  403: [
    'forbidden',
    'RTSP_FORBIDDEN',
    'this user may not watch the stream — give the user the right to live view on the device',
  ],
  404: [
    'not_found',
    'RTSP_NOT_FOUND',
    'there is no stream under this path — check the path of the URL and the channel number',
  ],
  405: [
    'unsupported',
    'RTSP_METHOD_NOT_ALLOWED',
    'the stream does not allow that — check that the URL is one for watching, not for publishing',
  ],
  406: [
    'unsupported',
    'RTSP_NOT_ACCEPTABLE',
    'it cannot describe the stream as SDP — check that the URL names a live stream',
  ],
  408: ['timeout', 'RTSP_REQUEST_TIMEOUT', 'the request came too slowly — check the network'],
  415: ['unsupported', 'RTSP_UNSUPPORTED_MEDIA_TYPE', 'it does not know the media type — choose H.264 on the device'],
  451: ['unsupported', 'RTSP_PARAMETER_NOT_UNDERSTOOD', 'a parameter is unknown to it — check the query of the URL'],
  453: [
    'resource_exhausted',
    'RTSP_NOT_ENOUGH_BANDWIDTH',
    'it has too many viewers — close others, or raise the limit of connections on the device',
  ],
  454: [
    'unavailable',
    'RTSP_SESSION_NOT_FOUND',
    'it has forgotten the session — connecting again helps; if this repeats, its session timeout is very short',
  ],
  455: [
    'unsupported',
    'RTSP_METHOD_NOT_VALID_IN_STATE',
    'it was not ready for that — connect again; restart the device if this repeats',
  ],
  457: ['invalid_argument', 'RTSP_INVALID_RANGE', 'it has no video for that time — ask for another range'],
  459: [
    'unsupported',
    'RTSP_AGGREGATE_NOT_ALLOWED',
    'its tracks cannot be controlled together — leave the audio of this source out',
  ],
  460: [
    'unsupported',
    'RTSP_ONLY_AGGREGATE_ALLOWED',
    'its tracks can only be controlled together — take the URL of the whole stream, not of one track',
  ],
  461: [
    'unsupported',
    'RTSP_TRANSPORT_UNSUPPORTED',
    'it does not send over this transport — choose another one (tcp, udp, multicast) for this source',
  ],
  462: ['unavailable', 'RTSP_DESTINATION_UNREACHABLE', 'it cannot reach us — check firewall and routes'],
  463: [
    'unsupported',
    'RTSP_KEY_MANAGEMENT_FAILURE',
    'it refuses the keys for its encrypted media — use rtsps:// for this source, or switch SRTP off on the device',
  ],
  500: ['unavailable', 'RTSP_SERVER_ERROR', 'it failed inside — restart the device if this repeats'],
  501: [
    'unsupported',
    'RTSP_NOT_IMPLEMENTED',
    'it does not know this request — check that it is a camera or media server',
  ],
  502: ['unavailable', 'RTSP_BAD_GATEWAY', 'the device behind it failed — check that one'],
  503: [
    'unavailable',
    'RTSP_SERVER_BUSY',
    'it is overloaded or the channel has no video — close other viewers, check the channel',
  ],
  504: ['timeout', 'RTSP_GATEWAY_TIMEOUT', 'the device behind it does not answer — check that one'],
  505: ['unsupported', 'RTSP_VERSION_NOT_SUPPORTED', 'it does not speak RTSP 1.0 — check the port'],
  551: [
    'unsupported',
    'RTSP_OPTION_NOT_SUPPORTED',
    'it lacks what this source asks for — take replay and back channel out of its settings where they are set, else look for newer firmware',
  ],
};

/** Where an error happened, for its context. */
export interface RequestContext {
  readonly method: string;
  /** Without credentials. */
  readonly url: string;
  readonly cseq?: number;
}

/**
 * The error for a status that refuses (RFC 2326 §11.3): each has its own code and next step. What the camera names as
 * `Unsupported` (§12.41) is told.
 */
export function statusError(
  { status, reason, headers }: Pick<RtspResponse, 'status' | 'reason' | 'headers'>,
  request: RequestContext,
): WatchpostError {
  const [kind, code, advice]: StatusMeaning = statuses[status] ?? [
    status >= 500 ? 'unavailable' : 'unsupported',
    `RTSP_STATUS_${status}`,
    'a status that nobody defined — look it up in the manual of the device',
  ];
  const unsupported = headerOf({ headers }, 'Unsupported');
  const answer = `${status}${reason ? ` ${reason}` : ''}${unsupported ? ` (${unsupported.slice(0, 80)})` : ''}`;
  return new WatchpostError(`the camera answered ${request.method} with ${answer}: ${advice}`, {
    kind,
    code,
    context: { status, ...request },
  });
}

/** 401 that cannot be answered, or was answered in vain. */
export function unauthenticatedError(
  why: 'no_credentials' | 'refused' | 'no_scheme',
  request: RequestContext,
): WatchpostError {
  const messages = {
    no_credentials: 'the camera wants a user name and password — set username and password of this source',
    refused:
      'the camera refused the user name or password — check both; some cameras lock an account for minutes after wrong ones',
    no_scheme: 'the camera wants a way of logging in that is not supported — choose Digest or Basic on the device',
  } as const;
  const codes = {
    no_credentials: 'RTSP_CREDENTIALS_MISSING',
    refused: 'RTSP_CREDENTIALS_REFUSED',
    no_scheme: 'RTSP_LOGIN_UNSUPPORTED',
  } as const;
  return new WatchpostError(messages[why], { kind: 'unauthenticated', code: codes[why], context: { ...request } });
}

/** Any other way in which a session fails. */
export function clientError(
  code: string,
  details: {
    readonly kind: ErrorKind;
    readonly message: string;
    readonly request?: RequestContext;
    readonly cause?: unknown;
  },
): WatchpostError {
  return new WatchpostError(details.message, {
    kind: details.kind,
    code,
    context: { ...details.request },
    cause: details.cause,
  });
}

/** Nothing came back in time. */
export function noAnswerError(request: RequestContext | undefined): WatchpostError {
  return clientError('RTSP_NO_ANSWER', {
    kind: 'timeout',
    message: `the camera does not answer ${request?.method ?? 'the request'} — check that the port is RTSP and the device is not overloaded`,
    ...(request ? { request } : {}),
  });
}

/** The connection went away without being asked to. */
export function connectionClosedError(request: RequestContext, hadPlayed: boolean, cause: unknown): WatchpostError {
  return clientError('RTSP_CONNECTION_CLOSED', {
    kind: 'unavailable',
    message: hadPlayed
      ? 'the camera closed the connection — check whether it restarted or has too many viewers'
      : 'the camera closed the connection before it played — check that the port is RTSP and how many viewers it allows',
    request,
    cause,
  });
}
