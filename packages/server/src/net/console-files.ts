import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** File names that a bundler hashes: their content never changes under the same name. */
const hashedName = /[/\\]assets[/\\][^/\\]+-[\w-]{8,}\.\w+$/;

const missingPage = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Watchpost</title>
<body style="font:16px/1.5 sans-serif;max-width:40em;margin:4em auto;padding:0 1em">
<h1>The server runs; its console is not built yet</h1>
<p>In the folder of Watchpost run</p><pre>npm run build --workspace @watchpost/console</pre>
<p>and start the server again. The API answers meanwhile at <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>
`;

/** Answers with the console's page where a person's browser asks; false where the answer is 404. */
export type ConsoleFallback = (request: FastifyRequest, reply: FastifyReply) => boolean;

/**
 * Serves the built console from `directory`: hashed assets for ever, the page itself revalidated. Every other address
 * that a browser opens is a page of the console's own router. Where there is no build, a plain page says how to make one.
 */
export function serveConsole(app: FastifyInstance, directory: string): ConsoleFallback {
  const built = existsSync(join(directory, 'index.html'));
  if (built)
    app.register(fastifyStatic, {
      root: directory,
      cacheControl: false,
      setHeaders: (reply, path) => {
        const immutable = hashedName.test(path);
        reply.header('cache-control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  return (request, reply) => {
    if (!isPageRequest(request)) return false;
    if (built) reply.code(200).sendFile('index.html');
    else reply.code(200).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(missingPage);
    return true;
  };
}

/** A browser that opens an address, not a program or an asset: no file extension, HTML accepted, no API. */
function isPageRequest(request: FastifyRequest): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  const path = request.url.split('?', 1)[0]!;
  if (/^\/(api|hls|flv|fmp4|recordings-hls)\//.test(path) || isAsset(path)) return false;
  const accept = request.headers.accept ?? '';
  return path === '/' || accept.includes('text/html');
}

/** Ids of second qualities have a dot, too: `/streams/gate.sub` is a page. */
function isAsset(path: string): boolean {
  return /\.\w+$/.test(path) && !path.startsWith('/streams/');
}
