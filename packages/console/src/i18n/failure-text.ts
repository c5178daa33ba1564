import { ApiProblem } from '../api/problem.ts';
import type { Words } from './language.ts';
import type { MessageKey } from './messages.ts';
import { isMessageKey } from './translate.ts';

/** A failure in words: a translated headline where there is one, and what the server said. */
export interface FailureText {
  readonly headline: string;
  /** The next step: in English the server's own sentence. Empty where the headline says it all. */
  readonly detail: string;
}

type Translate = (key: MessageKey) => string;
type Speaker = Pick<Words, 't' | 'language'>;

const codesOfKinds: Readonly<Record<string, MessageKey>> = {
  unauthenticated: 'failure.unauthenticated',
  forbidden: 'failure.forbidden',
  not_found: 'failure.not_found',
  conflict: 'failure.conflict',
  unavailable: 'failure.unavailable',
  timeout: 'failure.timeout',
  unsupported: 'failure.unsupported',
  malformed: 'failure.malformed',
  resource_exhausted: 'failure.resource_exhausted',
  internal: 'failure.internal',
};

/** Words for a code, where there are any. */
export function codeText(t: Translate, key: string, otherwise: string): string {
  return isMessageKey(key) ? t(key) : otherwise;
}

const keysOfStatuses: Readonly<Record<number, MessageKey>> = {
  401: 'failure.unauthenticated',
  403: 'failure.forbidden',
  404: 'failure.not_found',
  409: 'failure.conflict',
  413: 'failure.too_large',
  422: 'failure.unsupported',
  429: 'failure.resource_exhausted',
  500: 'failure.internal',
  502: 'failure.unavailable',
  503: 'failure.unavailable',
  504: 'failure.timeout',
};

/** Codes whose headline leaves nothing to add. */
const saysItAll: ReadonlySet<string> = new Set([
  ...['OFFLINE', 'LOGIN_WRONG', 'SET_UP_TOKEN_WRONG', 'SET_UP_DONE', 'STREAM_EXISTS', 'STREAM_NOT_FOUND', 'LAST_ADMIN'],
  ...['USER_EXISTS', 'PASSWORD_WRONG', 'ROLE_NEEDED', 'STREAM_FORBIDDEN', 'PLAYBACK_EMPTY', 'NOTHING_RECORDED'],
]);

/** What to do about a failure; the server's sentences say it more exactly, but in English alone. */
function nextStep({ t, language }: Speaker, reason: { kind: string; code: string; message: string }): string {
  if (language === 'en') return reason.message;
  if (reason.kind === 'unauthenticated') return t('failure.next.password');
  if (reason.kind === 'not_found') return t('failure.next.path');
  return /^(DIAL|RTSP)_/.test(reason.code) ? t('failure.next.network') : reason.message;
}

/** Words for why a stream or a probe failed, by code first and kind second. */
export function reasonText(words: Speaker, reason: { kind: string; code: string; message: string }): FailureText {
  const { t } = words;
  const byCode = `failure.code.${reason.code}`;
  if (isMessageKey(byCode)) return { headline: t(byCode), detail: nextStep(words, reason) };
  const byKind = codesOfKinds[reason.kind];
  return byKind ? { headline: t(byKind), detail: nextStep(words, reason) } : { headline: reason.message, detail: '' };
}

/** Words for a request that failed. */
export function problemText(t: Translate, error: unknown): FailureText {
  if (!(error instanceof ApiProblem)) return { headline: t('failure.internal'), detail: String(error) };
  const byCode = `failure.code.${error.code}`;
  if (isMessageKey(byCode)) return { headline: t(byCode), detail: saysItAll.has(error.code) ? '' : error.message };
  const byStatus = keysOfStatuses[error.status];
  return byStatus ? { headline: t(byStatus), detail: error.message } : { headline: error.message, detail: '' };
}
