import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { describe, test } from 'node:test';
import tls from 'node:tls';
import { parseAuthorization, verifyDigest } from '@watchpost/media/rtsp/digest.ts';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { PullBench } from './pull-bench.ts';

// Made with: openssl req -x509 -newkey rsa:1024 -sha1 -nodes -days 36500 -subj /CN=camera, as cameras of 2012 have them.
const pem = readFileSync(new URL('testdata/old-camera.pem', import.meta.url), 'utf8');
const fingerprint = new X509Certificate(pem).fingerprint256;

/** Something in front of a camera that ends with it. */
class Front implements AsyncDisposable {
  readonly port: number;
  readonly camera: RtspCamera;
  readonly #server: net.Server;
  readonly #sockets: Set<net.Socket>;

  private constructor(camera: RtspCamera, server: net.Server, sockets: Set<net.Socket>) {
    this.camera = camera;
    this.#server = server;
    this.#sockets = sockets;
    this.port = (server.address() as net.AddressInfo).port;
  }

  static async open(
    make: (accept: (socket: net.Socket) => void) => net.Server,
    serve: (socket: net.Socket, camera: RtspCamera) => void,
    options: Parameters<typeof startRtspCamera>[0] = {},
  ): Promise<Front> {
    const camera = await startRtspCamera({ port: 0, ...options });
    const sockets = new Set<net.Socket>();
    const server = make((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      serve(socket, camera);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Front(camera, server, sockets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.camera.close();
  }
}

const withTls =
  (more: tls.TlsOptions = {}) =>
  (accept: (socket: net.Socket) => void) =>
    tls.createServer({ key: pem, cert: pem, ciphers: 'DEFAULT@SECLEVEL=0', ...more }, accept);

function toCamera(socket: net.Socket, camera: RtspCamera): net.Socket {
  const behind = net.connect(camera.port, '127.0.0.1');
  behind.on('error', () => {});
  socket.on('close', () => behind.destroy());
  behind.on('close', () => socket.destroy());
  return behind;
}

function pipe(socket: net.Socket, camera: RtspCamera): void {
  socket.pipe(toCamera(socket, camera)).pipe(socket);
}

describe('RTSPS', { concurrency: 4 }, () => {
  test('a certificate that nobody signed is refused, with the fingerprint that would let it in', async () => {
    await using front = await Front.open(withTls(), pipe);
    await using pull = new PullBench(`rtsps://127.0.0.1:${front.port}/main`, {});
    const error = await pull.ended;
    assert.equal(error?.code, 'CERTIFICATE_UNTRUSTED');
    assert.ok(error.message.includes(`#fingerprint=${fingerprint}`), error.message);
    assert.equal(front.camera.connectionCount === 0 || front.camera.sessionCount === 0, true);
  });

  test('with its fingerprint an old camera is pulled, keys of 1024 bits and TLS_RSA ciphers included (go2rtc#1172)', async () => {
    const old = withTls({ ciphers: 'AES128-SHA@SECLEVEL=0', minVersion: 'TLSv1', maxVersion: 'TLSv1.2' });
    for (const make of [withTls(), old]) {
      await using front = await Front.open(make, pipe);
      await using pull = new PullBench(`rtsps://127.0.0.1:${front.port}/main#fingerprint=${fingerprint}`, {});
      await pull.until(() => pull.count('video') >= 5 && pull.count('audio') >= 2);
    }
  });

  test('another certificate than the pinned one is refused before a password is sent', async () => {
    await using front = await Front.open(withTls(), pipe, { auth: { username: 'a', password: 'b' } });
    await using pull = new PullBench(`rtsps://a:b@127.0.0.1:${front.port}/main#fingerprint=${'0'.repeat(64)}`, {});
    const error = await pull.ended;
    assert.equal(error?.code, 'CERTIFICATE_CHANGED');
    assert.equal(error.kind, 'forbidden');
  });

  test('media that the camera does not encrypt come over TLS only, whatever is asked for', async () => {
    await using front = await Front.open(withTls(), pipe);
    const url = `rtsps://127.0.0.1:${front.port}/main#fingerprint=${fingerprint}&transport=`;
    await using udp = new PullBench(`${url}udp`, {});
    assert.equal((await udp.ended)?.code, 'RTSP_UDP_UNFIT');
    await using both = new PullBench(`${url}udp,tcp`, {});
    await both.until(() => both.count('video') >= 5);
    const { name, insteadOf } = (await both.stream).transport!;
    assert.deepEqual([name, insteadOf?.name, insteadOf?.reason?.code], ['tls', 'udp', 'RTSP_UDP_UNFIT']);
  });

  test('a port that speaks no TLS is told apart', async () => {
    const answer = (socket: net.Socket) => void socket.on('data', () => socket.end('RTSP/1.0 400 Bad Request\r\n\r\n'));
    await using front = await Front.open((accept) => net.createServer(accept), answer);
    await using pull = new PullBench(`rtsps://127.0.0.1:${front.port}/main`, {});
    const error = await pull.ended;
    assert.equal(error?.code, 'TLS_FAILED');
    assert.match(error.message, /as it should: (wrong version number|packet length too long) — check/);
  });
});

/** What an HTTP tunnel of some camera does with the two halves. */
interface TunnelHabits {
  /** Answers the POST, which some never do. */
  readonly answersPost?: boolean;
  /** Closes the POST after its first words, so that each one needs another. */
  readonly closesPost?: boolean;
  /** Overlooks what comes in one record of TLS with the head of the POST. */
  readonly overlooksRest?: boolean;
  readonly login?: boolean;
  readonly status?: number;
}

/** A camera's web server with a tunnel. */
function tunnel(habits: TunnelHabits) {
  const streams = new Map<string, net.Socket>();
  return (socket: net.Socket, camera: RtspCamera) => {
    let head = '';
    const onHead = (chunk: Buffer) => {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', onHead);
      const [line = ''] = head.split('\r\n', 1);
      const method = line.split(' ')[0]!;
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1];
      const authorization = parseAuthorization(field('authorization') ?? '');
      if (habits.status !== undefined) return void socket.end(`HTTP/1.0 ${habits.status} No\r\n\r\n`);
      if (habits.login && !(authorization && isRight(authorization, method)))
        return void socket.end('HTTP/1.0 401 No\r\nWWW-Authenticate: Digest realm="x", nonce="y"\r\n\r\n');
      const cookie = field('x-sessioncookie')!;
      if (method === 'GET') {
        assert.match(head, /^Accept: application\/x-rtsp-tunnelled\r$/m);
        socket.write('HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n');
        const behind = toCamera(socket, camera);
        behind.pipe(socket);
        streams.set(cookie, behind);
        return;
      }
      if (habits.answersPost) socket.write('HTTP/1.0 200 OK\r\n\r\n');
      const onBody = (text: string) => {
        streams.get(cookie)?.write(Buffer.from(text, 'base64'));
        if (habits.closesPost) socket.end();
      };
      const rest = head.slice(end + 4);
      if (rest !== '' && !habits.overlooksRest) onBody(rest);
      socket.on('data', (more: Buffer) => onBody(more.toString('latin1')));
    };
    socket.on('data', onHead);
  };
}

function isRight(authorization: NonNullable<ReturnType<typeof parseAuthorization>>, method: string): boolean {
  return verifyDigest(authorization, {
    ...{ method, url: '/main', realm: 'x', nonce: 'y', algorithms: ['MD5'] },
    credentials: { username: 'admin', password: 'p#1' },
  });
}

const habits: readonly [string, TunnelHabits][] = [
  ['that answers the POST', { answersPost: true }],
  ['that never answers the POST (gortsplib, server habits)', {}],
  ['that closes the POST after each word', { closesPost: true }],
  ['that wants a login by HTTP', { login: true }],
];

describe('RTSP over HTTP', { concurrency: 7 }, () => {
  for (const [name, habit] of habits)
    test(`a camera ${name} is pulled`, async () => {
      await using front = await Front.open((accept) => net.createServer(accept), tunnel(habit));
      const login = habit.login ? 'admin:p#1@' : '';
      await using pull = new PullBench(`rtsp+http://${login}127.0.0.1:${front.port}/main`, { transport: ['udp'] });
      await pull.until(() => pull.count('video') >= 5 && pull.count('audio') >= 2);
      assert.deepEqual((await pull.stream).transport, { name: 'http' });
      await pull.stop();
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(front.camera.sessionCount, 0, 'TEARDOWN came through');
    });

  test('inside of TLS', async () => {
    await using front = await Front.open(withTls(), tunnel({}));
    await using pull = new PullBench(`rtsps+http://127.0.0.1:${front.port}/main#fingerprint=${fingerprint}`, {});
    await pull.until(() => pull.count('video') >= 5);
    assert.deepEqual((await pull.stream).transport, { name: 'https' });
  });

  test('inside of TLS, words are not in one record with the head of the POST (GStreamer 1.22)', async () => {
    await using front = await Front.open(withTls(), tunnel({ overlooksRest: true }));
    await using pull = new PullBench(`rtsps+http://127.0.0.1:${front.port}/main#fingerprint=${fingerprint}`, {});
    await pull.until(() => pull.count('video') >= 5);
  });

  test('refusals have their reasons', async () => {
    const cases: [TunnelHabits, string][] = [
      [{ status: 404 }, 'RTSP_TUNNEL_REFUSED'],
      [{ status: 403 }, 'RTSP_CREDENTIALS_REFUSED'],
      [{ login: true }, 'RTSP_CREDENTIALS_REFUSED'],
    ];
    for (const [habit, code] of cases) {
      await using front = await Front.open((accept) => net.createServer(accept), tunnel(habit));
      await using pull = new PullBench(`rtsp+http://admin:wrong@127.0.0.1:${front.port}/main`, {});
      assert.equal((await pull.ended)?.code, code);
    }
    // A camera that speaks RTSP there answers with RTSP.
    await using camera = await startRtspCamera({ port: 0 });
    await using pull = new PullBench(`rtsp+http://127.0.0.1:${camera.port}/main`, {});
    assert.match((await pull.ended)?.code ?? '', /^RTSP_TUNNEL_(ANSWER|REFUSED)$/);
  });
});
