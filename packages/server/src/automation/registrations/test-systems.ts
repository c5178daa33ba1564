import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** What a system answers. */
export interface SystemAnswer {
  readonly status: number;
  readonly body?: unknown;
}

/** A request that reached a system of a test. */
export interface SystemRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** Another system on loopback; requests that its published description does not know are kept in `violations`. */
export abstract class TestSystem implements AsyncDisposable {
  readonly requests: SystemRequest[] = [];
  readonly violations: string[] = [];
  /** Answers given instead of its own, in order. */
  readonly forced: SystemAnswer[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (request, response) => {
      let text = '';
      for await (const part of request) text += part;
      const { method = '', url = '' } = request;
      const body = text === '' ? undefined : JSON.parse(text);
      const entry = { method, path: url, headers: request.headers, body };
      this.requests.push(entry);
      const answer = this.forced.shift() ?? this.answer(entry);
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
    });
  }

  protected abstract answer(request: SystemRequest): SystemAnswer;

  /** Notes what does not fit, as the system would refuse it. */
  protected refuse(request: SystemRequest, why: string): SystemAnswer {
    this.violations.push(`${request.method} ${request.path}: ${why}`);
    return { status: 400, body: { error: why } };
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** `stream_config` of the Media Server API 24.11, as far as it concerns a live stream with inputs. */
const flussonicStream = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_\-./]+$/),
  title: z.string().optional(),
  inputs: z.array(z.strictObject({ url: z.string().regex(/^(rtsp2?s?|rtmps?|https?|srt):\/\/.+/) })).optional(),
});

/** A Flussonic Media Server: `/streamer/api/v3/streams/{name}` of its published API (24.11). */
export class TestFlussonic extends TestSystem {
  readonly streams = new Map<
    string,
    { name: string; title?: string | undefined; inputs?: { url: string }[] | undefined }
  >();

  protected answer(request: SystemRequest): SystemAnswer {
    const login = Buffer.from('admin:letmein').toString('base64');
    if (request.headers.authorization !== `Basic ${login}`) return { status: 401 };
    const match = /^\/streamer\/api\/v3\/streams\/([^/?]+)$/.exec(request.path);
    if (!match) return this.refuse(request, 'no such path');
    const name = decodeURIComponent(match[1]!);
    const known = this.streams.get(name);
    if (request.method === 'GET') return known ? { status: 200, body: known } : { status: 404 };
    if (request.method === 'DELETE') return { status: this.streams.delete(name) ? 204 : 404 };
    if (request.method !== 'PUT') return this.refuse(request, 'no such method');
    const parsed = flussonicStream.safeParse(request.body);
    if (!parsed.success) return this.refuse(request, parsed.error.message);
    if (parsed.data.name !== name) return this.refuse(request, 'the name differs from that of the path');
    this.streams.set(name, parsed.data);
    return { status: 200, body: parsed.data };
  }
}

/** Fields of a camera in Watcher's published API v2, as far as we send them. */
const watcherCamera = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .optional(),
  title: z.string().min(1),
  stream_url: z.string().regex(/^rtsp:\/\/.+/),
  enabled: z.boolean().optional(),
});

/** A Flussonic Watcher: `/vsaas/api/v2/cameras` of its published API v2. */
export class TestWatcher extends TestSystem {
  readonly cameras = new Map<string, z.infer<typeof watcherCamera>>();

  protected answer(request: SystemRequest): SystemAnswer {
    if (request.headers['x-vsaas-api-key'] !== 'key-1') return { status: 403, body: { error: 'WrongApikey' } };
    const match = /^\/vsaas\/api\/v2\/cameras(?:\/([^/?]+))?$/.exec(request.path);
    if (!match) return this.refuse(request, 'no such path');
    const parsed = request.body === undefined ? undefined : watcherCamera.safeParse(request.body);
    if (parsed && !parsed.success) return this.refuse(request, parsed.error.message);
    if (match[1] === undefined) {
      if (request.method !== 'POST' || parsed?.data?.name === undefined) return this.refuse(request, 'no such method');
      this.cameras.set(parsed.data.name, parsed.data);
      return { status: 200, body: parsed.data };
    }
    const name = decodeURIComponent(match[1]);
    if (!this.cameras.has(name)) return { status: 404, body: { error: 'NotFound' } };
    if (request.method === 'DELETE') this.cameras.delete(name);
    if (request.method === 'PUT' && parsed?.data) this.cameras.set(name, { ...parsed.data, name });
    return { status: 200, body: this.cameras.get(name) ?? {} };
  }
}

/** A system of our own making: `POST /api/cameras {name, url, username, password}` answers with an id. */
export class TestVms extends TestSystem {
  readonly cameras = new Map<string, unknown>();
  #next = 1;

  protected answer(request: SystemRequest): SystemAnswer {
    if (request.method === 'POST' && request.path === '/api/cameras') {
      const id = this.#next++;
      this.cameras.set(String(id), request.body);
      return { status: 201, body: { camera: { id } } };
    }
    const match = /^\/api\/cameras\/(\d+)$/.exec(request.path);
    if (request.method === 'DELETE' && match) return { status: this.cameras.delete(match[1]!) ? 204 : 404 };
    return this.refuse(request, 'no such path');
  }
}
