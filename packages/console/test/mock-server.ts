import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import type { Duplex } from 'node:stream';
import { auditFixtures, sessionFixtures, userFixtures } from './access-fixtures.ts';
import { agentFixtures, enrolmentFixtures, tunnelFixtures } from './agent-fixtures.ts';
import {
  diagnosisFixture,
  discoveryFixture,
  eventFixtures,
  probeFixture,
  statsFixture,
  storageFixture,
  streamFixtures,
  timelineFixture,
} from './fixtures.ts';
import { LiveSource } from './live-source.ts';
import {
  keyFrameFixtures,
  lockFixtures,
  pictureFixture,
  registrationFixtures,
  scheduleFixtures,
  serverFixture,
} from './server-fixtures.ts';
import { acceptWebSocket, webSocketMessage } from './web-socket.ts';

const dist = join(import.meta.dirname, '..', 'dist');
const description = join(import.meta.dirname, '../../../docs/ref/openapi.json');
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** What the person meets. */
export interface MockState {
  role: 'admin' | 'operator' | 'viewer';
  setUp: boolean;
  loggedIn: boolean;
  empty: boolean;
}

/** A server with the console's built files and made-up answers; for tests and screenshots. */
export class MockServer implements AsyncDisposable {
  readonly state: MockState = { role: 'admin', setUp: true, loggedIn: true, empty: false };
  private readonly server: Server;
  private readonly live = new LiveSource();
  private readonly upgraded = new Set<Duplex>();

  constructor() {
    this.server = createServer((request, response) => void this.answer(request, response));
    this.server.on('upgrade', (request, socket) => {
      acceptWebSocket(request, socket);
      this.upgraded.add(socket);
      socket.once('close', () => this.upgraded.delete(socket));
      if (request.url?.startsWith('/api/')) return;
      if (/yard|hall/.test(request.url ?? '')) socket.write(webSocketMessage('{"type":"offline"}'));
      else this.live.attach(socket);
    });
  }

  /** Listens on loopback; resolves to the address. */
  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    const address = this.server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.live[Symbol.dispose]();
    for (const socket of this.upgraded) socket.destroy();
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://mock');
    if (!url.pathname.startsWith('/api/v1/')) {
      sendFile(url.pathname, response);
      return;
    }
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const path = url.pathname.slice('/api/v1'.length);
    if (path.endsWith('/snapshot')) {
      response.writeHead(200, { 'content-type': 'image/svg+xml' });
      response.end(pictureFixture(Number(url.searchParams.get('time'))));
      return;
    }
    const { status, body } = this.route(
      `${request.method} ${path}`,
      url.searchParams,
      text === '' ? {} : JSON.parse(text),
    );
    response.writeHead(status, { 'content-type': status >= 400 ? 'application/problem+json' : 'application/json' });
    response.end(JSON.stringify(body));
  }

  private route(what: string, query: URLSearchParams, body: Record<string, string>): { status: number; body: unknown } {
    const { state } = this;
    const ok = (answer: unknown) => ({ status: 200, body: answer });
    if (what === 'GET /session') {
      const user = state.setUp && state.loggedIn ? { name: 'admin', role: state.role, streams: null } : null;
      return ok({ set_up: state.setUp, auth: 'required', user, version: '0.1.0', time: new Date().toISOString() });
    }
    if (what === 'POST /login' || what === 'POST /setup') {
      if (body['password'] === 'wrong') return problem(401, 'LOGIN_WRONG', 'Name or password is wrong');
      state.setUp = state.loggedIn = true;
      return ok({ token: 't', expires: new Date().toISOString(), user: { name: 'admin', role: 'admin' } });
    }
    if (what === 'POST /logout') {
      state.loggedIn = false;
      return ok({});
    }
    if (!state.loggedIn) return problem(401, 'LOGIN_NEEDED', 'Log in first');
    if (what === 'GET /streams') return ok({ streams: state.empty ? [] : streamFixtures(), next: null });
    if (what.startsWith('GET /streams/') && what.endsWith('/doctor'))
      return ok(diagnosisFixture(what.split('/')[2] ?? ''));
    if (what.startsWith('GET /streams/') && what.endsWith('/stats')) return ok(statsFixture(what.split('/')[2] ?? ''));
    if (what === 'GET /server') return ok(serverFixture());
    if (what === 'GET /schedules') return ok({ schedules: scheduleFixtures });
    if (what.startsWith('GET /recordings/') && what.endsWith('/locks')) return ok({ locks: lockFixtures() });
    if (what.endsWith('/keyframes')) {
      const [start, end] = [Number(query.get('start')), Math.min(Number(query.get('end')), Date.now())];
      return ok(keyFrameFixtures(what.split('/')[2] ?? '', { start, end, seconds: Number(query.get('interval')) }));
    }
    if (what === 'GET /openapi.json') return ok(JSON.parse(readFileSync(description, 'utf8')));
    if (what === 'GET /agents') return ok({ agents: agentFixtures() });
    if (what.endsWith('/commands')) return ok({ ok: true, data: { lines: ['INFO  The agent starts'], cameras: 2 } });
    if (what.endsWith('/publish')) return ok({ addresses: [] });
    if (what === 'GET /tunnels') return ok({ tunnels: tunnelFixtures() });
    if (what === 'GET /agents/enrolment-tokens') return ok({ tokens: enrolmentFixtures() });
    if (what === 'GET /registrations') return ok({ registrations: registrationFixtures });
    if (what === 'GET /storage') return ok(storageFixture());
    if (what === 'GET /events') return ok({ events: eventFixtures(), next: 77 });
    if (what === 'GET /discovery') return ok(discoveryFixture);
    if (what === 'POST /probe') return ok(probeFixture(body['host'] ?? body['url'] ?? ''));
    if (what === 'GET /users') return ok({ users: userFixtures() });
    if (what === 'GET /sessions') return ok({ sessions: sessionFixtures() });
    if (what === 'GET /audit') return ok({ entries: auditFixtures(), next: 3 });
    if (what === 'GET /tokens')
      return ok({
        tokens: [
          {
            id: '1',
            name: 'Home Assistant',
            user: 'admin',
            role: 'operator',
            streams: ['vorota', 'yard'],
            created: '2026-01-01T00:00:00.000Z',
            last_used: '2026-02-11T10:00:00.000Z',
            expires: null,
          },
        ],
      });
    if (what === 'POST /tokens')
      return {
        status: 201,
        body: {
          id: '2',
          name: body['name'],
          user: 'admin',
          role: 'viewer',
          streams: null,
          created: '',
          last_used: null,
          expires: null,
          token: 'wp_2b7f0d61c4aa4f0e9d1c',
          rtsp_password: 'Zk3vq8L0tXw5nB7cYd2RhA',
        },
      };
    if (what.endsWith('/timeline')) {
      const id = what.split('/')[2] ?? '';
      return ok(timelineFixture(id, Date.parse(query.get('start') ?? ''), Date.parse(query.get('end') ?? '')));
    }
    if (what.endsWith('/days')) {
      const today = new Date().toISOString().slice(0, 8);
      return ok({
        stream_id: '',
        days: ['01', '02', '03', '07', '18', '19', '20', '21'].map((day) => ({
          day: today + day,
          recorded_seconds: 80_000,
        })),
      });
    }
    return problem(404, 'NOT_FOUND', 'The mock has no answer for this');
  }
}

function problem(status: number, code: string, detail: string): { status: number; body: unknown } {
  return { status, body: { type: 'about:blank', title: detail, status, detail, code } };
}

function sendFile(path: string, response: ServerResponse): void {
  const wanted = join(dist, normalize(path));
  const file = extname(wanted) !== '' && existsSync(wanted) ? wanted : join(dist, 'index.html');
  response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' });
  createReadStream(file).pipe(response);
}

if (import.meta.main) {
  const address = await new MockServer().listen(Number(process.env['PORT'] ?? 8080));
  console.log(address);
}
