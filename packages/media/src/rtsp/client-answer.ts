import { cseqOf, type RtspRequest, writeRtspResponse } from './message.ts';

/** A client's answer to a request of the server: cameras rarely ask. What it does not know it declines with 501 (RFC 2326 §11.3.11). */
export function answerServer(request: RtspRequest): Uint8Array {
  const isKnown = ['OPTIONS', 'GET_PARAMETER', 'SET_PARAMETER'].includes(request.method);
  const headers: (readonly [string, string])[] = [];
  const cseq = cseqOf(request);
  if (cseq !== undefined) headers.push(['CSeq', String(cseq)]);
  if (request.method === 'OPTIONS') headers.push(['Public', 'OPTIONS, GET_PARAMETER, SET_PARAMETER']);
  return writeRtspResponse({ status: isKnown ? 200 : 501, reason: isKnown ? 'OK' : 'Not Implemented', headers });
}
