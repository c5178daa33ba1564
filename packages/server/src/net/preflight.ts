import type { FastifyInstance } from 'fastify';

/**
 * Lets pages of other sites send a login or `Range` with their GET of media: browsers ask before they do (Fetch §3.3.2).
 * Cookies stay out: the origin is `*`.
 */
export function answerPreflight(app: FastifyInstance, url: string): void {
  app.options(url, { schema: { hide: true } }, async (_request, reply) =>
    reply
      .header('access-control-allow-origin', '*')
      .header('access-control-allow-methods', 'GET, HEAD')
      .header('access-control-allow-headers', 'Authorization, Range')
      .header('access-control-max-age', 86_400)
      .code(204)
      .send(),
  );
}
