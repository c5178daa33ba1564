import { headerOf, type RtspHeaders, type RtspRequest, writeRtspResponse } from './message.ts';
import { writeRtpInfo } from './rtp-info.ts';
import type { RtspServerSession } from './server-session.ts';
import type { RtspServerOptions, ServedPosition } from './server-types.ts';

/** What an answer says besides its status. */
export interface ServerReply {
  readonly headers?: RtspHeaders;
  readonly body?: Uint8Array;
  /** The usual words for the status where it is missing. */
  readonly reason?: string;
}

/** The answer to a request as bytes: its CSeq, our name, and the session once there is one. */
export function writeServerReply(
  request: RtspRequest,
  reply: ServerReply & {
    readonly status: number;
    readonly session: RtspServerSession;
    readonly options: RtspServerOptions;
  },
): Uint8Array {
  const { status, session, options, body } = reply;
  const headers: (readonly [string, string])[] = [];
  const cseq = headerOf(request, 'CSeq');
  if (cseq !== undefined) headers.push(['CSeq', cseq]);
  headers.push(['Server', options.serverName], ...(reply.headers ?? []));
  if (session.tracks.length > 0 && request.method !== 'TEARDOWN') {
    const timeoutMs = options.sessionTimeoutMs ?? 60_000;
    const seconds = Math.max(1, Math.floor((timeoutMs > 10_000 ? timeoutMs - 5000 : timeoutMs) / 1000));
    headers.push(['Session', `${session.id};timeout=${seconds}`]);
  }
  const reason = oneLine(reply.reason ?? reasons[status] ?? 'Unknown');
  const lines = headers.map(([name, value]) => [name, oneLine(value)] as const);
  return writeRtspResponse({ status, reason, headers: lines, ...(body ? { body } : {}) });
}

/** Of what clients sent, some comes back: CSeq, names of features, paths; a CR by itself does not end a line there. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}

/** `RTP-Info` of a PLAY; nothing where no track has sent yet. */
export function rtpInfoHeader(positions: readonly ServedPosition[], urls: readonly string[]): RtspHeaders {
  if (positions.length === 0) return [];
  const entries = positions.map(({ trackIndex, sequence, rtpTime }) => ({
    ...{ url: urls[trackIndex] ?? '', sequence, rtpTime },
  }));
  return [['RTP-Info', writeRtpInfo(entries)]];
}

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  454: 'Session Not Found',
  451: 'Parameter Not Understood',
  455: 'Method Not Valid in This State',
  457: 'Invalid Range',
  459: 'Aggregate Operation Not Allowed',
  460: 'Only Aggregate Operation Allowed',
  461: 'Unsupported Transport',
  501: 'Not Implemented',
  505: 'RTSP Version Not Supported',
  551: 'Option Not Supported',
};
