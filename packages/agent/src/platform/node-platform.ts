import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { request as requestHttp } from 'node:http';
import { dirname } from 'node:path';
import { rootCertificates } from 'node:tls';
import { systemClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { webCrypto } from '@watchpost/tunnel/handshake/crypto.ts';
import { machineBoot } from './node-boot.ts';
import { NodeHost } from './node-host.ts';
import { askByMulticast, dial, networkError } from './node-network.ts';
import { openWebSocket } from './node-websocket.ts';
import type { HttpAnswer, HttpRequest, Platform } from './platform.ts';

/** The platform of Node on Linux. */
export function nodePlatform(): Platform {
  const host = new NodeHost();
  return {
    clock: systemClock,
    boot: machineBoot(),
    crypto: webCrypto(globalThis.crypto),
    dial,
    openWebSocket,
    request,
    askByMulticast,
    readFile: readFileIfAny,
    writeFile: replaceFile,
    removeFile: (path) => rm(path, { force: true }),
    listFolder: (path) => readdir(path).catch(() => []),
    defer: (task) => void setImmediate(task),
    hostFacts: () => host.facts(),
    environment: (name) => process.env[name],
  };
}

async function readFileIfAny(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(path, error as NodeJS.ErrnoException);
  }
}

async function replaceFile(path: string, bytes: Uint8Array, { sync } = { sync: true }): Promise<void> {
  const part = `${path}.part`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(part, 'w', 0o600);
    try {
      await file.writeFile(bytes);
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    throw fileError(path, error as NodeJS.ErrnoException);
  }
}

function fileError(path: string, cause: NodeJS.ErrnoException): WatchpostError {
  const cures: Readonly<Record<string, string>> = {
    EACCES: 'this user may not — check its owner and permissions',
    EPERM: 'this user may not — check its owner and permissions',
    ENOSPC: 'the disk is full',
    EROFS: 'the disk is read-only — set agent.state_dir to a place that can be written',
  };
  return new WatchpostError(`${path} cannot be read or written: ${cures[cause.code ?? ''] ?? cause.message}`, {
    kind: 'unavailable',
    code: 'AGENT_FILE',
    cause,
  });
}

async function request(asked: HttpRequest): Promise<HttpAnswer> {
  const { method, url, headers, body, timeoutMs, maxBytes, trust } = asked;
  const isSecure = url.startsWith('https:');
  // Loaded where it is needed only: memory is what small machines lack.
  const begin = isSecure ? (await import('node:https')).request : requestHttp;
  return await new Promise((resolve, reject) => {
    const call = begin(url, {
      method,
      agent: false,
      headers: { ...headers, ...(body && { 'content-length': body.length }), connection: 'close' },
      ...(isSecure && trust?.authorities && { ca: [...rootCertificates, ...trust.authorities] }),
    });
    const timer = setTimeout(
      () => call.destroy(new WatchpostError('no answer in time', { kind: 'timeout', code: 'AGENT_TIMEOUT' })),
      timeoutMs,
    );
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(error instanceof WatchpostError ? error : networkError(error, new URL(url).host));
    };
    call.on('error', fail);
    call.on('response', (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('error', fail);
      response.on('data', (bytes: Buffer) => {
        size += bytes.length;
        if (size > maxBytes)
          call.destroy(new WatchpostError('the answer is too long', { kind: 'malformed', code: 'AGENT_HTTP_SIZE' }));
        else parts.push(bytes);
      });
      response.on('end', () => {
        clearTimeout(timer);
        const plain = Object.entries(response.headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(', ') : (value ?? ''),
        ]);
        resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(plain), body: Buffer.concat(parts) });
      });
    });
    call.end(body);
  });
}
