import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { silentLogger } from '@watchpost/base/logger.ts';
import { createHttpServer } from './http-server.ts';
import { takeAnswer } from './media-answer.ts';

const post = 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n';

test('requests that come a byte at a time, stop in the middle or never end are cut off; others are answered meanwhile', async () => {
  const http = createHttpServer({
    logger: silentLogger,
    patience: { headersMs: 400, bodyMs: 600, checkEveryMs: 50 },
  });
  http.app.post('/echo', async (request) => request.body);
  const { port } = await http.listen('127.0.0.1:0');
  try {
    const slow = {
      nothing: vandal(port, '', 0),
      'headers, a byte at a time': vandal(port, `GET / HTTP/1.1\r\nX: ${'x'.repeat(500)}`, 1),
      'half of the headers': vandal(port, 'GET / HTTP/1.1\r\nHost', 30),
      'headers without end': vandal(port, `GET / HTTP/1.1\r\nX: ${'x'.repeat(200_000)}`, 100_000),
      'a body, a byte at a time': vandal(port, `${post}"${'x'.repeat(490)}`, 1, post.length),
      'half of a body': vandal(port, `${post}"half`, 1000),
    };
    for (let i = 0; i < 5; i++) {
      const body = JSON.stringify({ i });
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`http://127.0.0.1:${port}/echo`, { method: 'POST', headers, body });
      assert.deepEqual(await answer.json(), { i });
    }
    for (const [what, lastedMs] of Object.entries(slow)) assert.ok((await lastedMs) < 4500, what);
  } finally {
    await http.close();
  }
});

test('whoever is refused and stays is cut off', async () => {
  const http = createHttpServer({ logger: silentLogger });
  http.app.get('/offline', async (_request, reply) => {
    takeAnswer(reply, 'video/mp4')?.end(new Error('it is offline'), false);
    return reply;
  });
  const { port } = await http.listen('127.0.0.1:0');
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
  const refused = {
    media: stayer(port, 'GET /offline HTTP/1.1\r\nHost: x\r\n\r\n'),
    'an upgrade': stayer(port, `GET /nowhere HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`),
  };
  try {
    for (const [what, isCut] of Object.entries(refused)) assert.ok(await isCut, what);
  } finally {
    await http.close();
  }
});

test('who asks without waiting for answers is cut off, a few requests at once are answered', async () => {
  const http = createHttpServer({ logger: silentLogger });
  let asked = 0;
  http.app.get('/count', async () => ({ count: ++asked }));
  const { port } = await http.listen('127.0.0.1:0');
  const ask = 'GET /count HTTP/1.1\r\nHost: x\r\n\r\n';
  try {
    const flood = net.connect({ port, host: '127.0.0.1' });
    flood.on('error', () => {}).write(ask.repeat(1500));
    await new Promise((resolve) => flood.once('close', resolve).resume());
    assert.ok(asked <= 64, `${asked} were handled`);

    const few = net.connect({ port, host: '127.0.0.1' });
    for (let round = 0; round < 3; round++) {
      let text = '';
      few.write(ask.repeat(64));
      do text += await new Promise<Buffer>((resolve) => few.once('data', resolve));
      while ((text.match(/"count":/g) ?? []).length < 64);
    }
    few.destroy();
  } finally {
    await http.close();
  }
});

/** Reads an answer to its end, and does not hang up; resolves to whether the server did within 8 s. */
function stayer(port: number, text: string): Promise<boolean> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  socket.resume().write(text);
  // A connection that is gone answers what is written to it with a reset.
  const knock = setInterval(() => socket.write('x'), 500);
  return new Promise((resolve) => {
    const over = setTimeout(() => resolve(false), 8000);
    socket.once('close', () => {
      clearTimeout(over);
      resolve(true);
    });
  }).finally(() => {
    clearInterval(knock);
    socket.destroy();
  }) as Promise<boolean>;
}

/** Sends `text` in pieces, one every 10 ms, the first `atOnce` characters in one; resolves to how long it was let, ms. */
function vandal(port: number, text: string, piece: number, atOnce = 0): Promise<number> {
  const began = performance.now();
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  if (atOnce > 0) socket.write(text.slice(0, atOnce));
  let at = atOnce;
  const timer = setInterval(() => {
    if (at < text.length && socket.writable) socket.write(text.slice(at, at + piece));
    at += piece;
  }, 10);
  const end = setTimeout(() => socket.destroy(), 6000);
  return new Promise((resolve) => {
    socket.once('close', () => {
      clearInterval(timer);
      clearTimeout(end);
      resolve(performance.now() - began);
    });
  });
}
