import type { FastifyReply, FastifyRequest } from 'fastify';
import { sessionLifeMs } from '../../catalog/identity/sessions.ts';
import type { Headers } from './same-origin.ts';

const cookieName = 'watchpost_session';

/** The session token in the `Cookie` field (RFC 6265 §5.4). */
export function sessionCookie(headers: Headers): string | undefined {
  const field = headers['cookie'];
  if (typeof field !== 'string') return undefined;
  for (const pair of field.split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === cookieName) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/** Sets the session cookie: not for scripts, not sent along by other sites' forms, only over TLS where there is TLS. */
export function setSessionCookie(request: FastifyRequest, reply: FastifyReply, token: string): void {
  writeCookie(request, reply, `${cookieName}=${token}; Max-Age=${sessionLifeMs / 1000}`);
}

/** Takes the session cookie back. */
export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  writeCookie(request, reply, `${cookieName}=; Max-Age=0`);
}

function writeCookie(request: FastifyRequest, reply: FastifyReply, head: string): void {
  const secure = request.protocol === 'https' ? '; Secure' : '';
  reply.header('set-cookie', `${head}; Path=/; HttpOnly; SameSite=Lax${secure}`);
}
