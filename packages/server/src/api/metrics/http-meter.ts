import type { FastifyInstance } from 'fastify';
import type { MetricFamily } from './exposition.ts';

/** Counts answers by what kind of route gave them and how they ended: a dozen values, whatever is asked for. */
export class HttpMeter {
  readonly #counts = new Map<string, number>();

  constructor(app: FastifyInstance) {
    app.addHook('onResponse', async (request, reply) => {
      const key = `${routeClass(request.routeOptions.url)} ${Math.floor(reply.statusCode / 100)}xx`;
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    });
  }

  families(): readonly MetricFamily[] {
    const samples = [...this.#counts].sort().map(([key, count]) => {
      const [route = '', status = ''] = key.split(' ');
      return [{ route, status }, count] as const;
    });
    return [{ name: 'watchpost_http_requests_total', help: 'Answers over HTTP.', type: 'counter', samples }];
  }
}

/** `api`, `health`, `media` and `console`; `none` where no route was found. */
function routeClass(url: string | undefined): string {
  if (url === undefined) return 'none';
  if (url.startsWith('/api/')) return 'api';
  if (url === '/health' || url === '/ready' || url === '/metrics') return 'health';
  return url === '/' || url === '/*' || url.startsWith('/assets') ? 'console' : 'media';
}
