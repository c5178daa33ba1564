import type { ErrorData } from 'hls.js';
import { ApiProblem, toProblem } from '../api/problem.ts';
import { reportReach } from '../api/reach.ts';

/** Why hls.js gave up, as a request would say it; where the server did not answer, that is noted for the whole console. */
export function playbackProblem(data: Pick<ErrorData, 'error' | 'response'>): Error {
  const status = data.response?.code;
  if (status === undefined) return data.error;
  if (status > 0) return toProblem(status, null);
  reportReach(false);
  return new ApiProblem(data.error.message, { status: 0, code: 'OFFLINE' });
}
