import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { readAgentConfig } from '../config/read-config.ts';
import { nodePlatform } from '../platform/node-platform.ts';
import type { Platform } from '../platform/platform.ts';
import { discoverCameras } from './discover.ts';

const configOf = (more: object) =>
  readAgentConfig({ agent: { tunnel_server_url: 'ws://s/tunnel' }, ...more }, { file: 'f', stateDir: '/s' });
const { signal } = new AbortController();

/** The machine's platform, with a network on which one device answers to WS-Discovery. */
const withAnswer = (answer: string): Platform => ({
  ...nodePlatform(),
  askByMulticast: async (_question, onAnswer) => onAnswer(new TextEncoder().encode(answer), '127.0.0.1'),
});

test('a camera that answers discovery is described by RTSP and by ONVIF', { timeout: 20_000 }, async () => {
  await using camera = await startRtspCamera({ port: 0, clips: { stream1: 'clock-h264-aac' } });
  const onvif = createServer((_request, response) =>
    response.end(
      '<e:Envelope><e:Body><r><t:Manufacturer>Maker</t:Manufacturer><t:Model>M-1</t:Model><t:FirmwareVersion>2.0</t:FirmwareVersion></r></e:Body></e:Envelope>',
    ),
  );
  await new Promise<void>((resolve) => onvif.listen(0, '127.0.0.1', resolve));
  const { port } = onvif.address() as AddressInfo;
  const platform = withAnswer(
    `<d:ProbeMatch><d:Types>dn:NetworkVideoTransmitter</d:Types><d:XAddrs>http://127.0.0.1:${port}/onvif/device_service</d:XAddrs></d:ProbeMatch>`,
  );
  const config = configOf({ discovery: { enabled: true, ports: [camera.port] } });
  const found = await discoverCameras({ platform, config, signal });
  onvif.closeAllConnections();
  onvif.close();
  assert.equal(found.length, 1);
  const { vendor, model, firmware, streams, rtspPort, configured } = found[0]!;
  assert.deepEqual([vendor, model, firmware, rtspPort, configured], ['Maker', 'M-1', '2.0', camera.port, false]);
  assert.deepEqual([streams[0]!.path, streams[0]!.tracks.map(({ codec }) => codec)], ['/stream1', ['h264', 'aac']]);
});

test('a camera that wants a password is found, with the reason; what is no camera is not', {
  timeout: 20_000,
}, async () => {
  await using camera = await startRtspCamera({ port: 0, auth: { username: 'a', password: 'b', methods: ['MD5'] } });
  const web = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.end('no camera');
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const { port } = web.address() as AddressInfo;
  const config = configOf({ discovery: { enabled: true, ports: [camera.port, port] } });
  const found = await discoverCameras({ platform: withAnswer('noise'), config, signal });
  web.close();
  assert.deepEqual(
    found.map(({ rtspPort, problem, streams }) => [rtspPort, problem, streams.length]),
    [[camera.port, 'RTSP_CREDENTIALS_MISSING', 0]],
  );
});

test('a camera of the configuration is told even while nobody reaches it', { timeout: 20_000 }, async () => {
  const config = configOf({ cameras: [{ name: 'gate', host: '127.0.0.1', rtsp_port: 9 }] });
  const [gate] = await discoverCameras({ platform: nodePlatform(), config, signal });
  assert.deepEqual([gate!.name, gate!.problem, gate!.configured], ['gate', 'AGENT_UNREACHABLE', true]);
});
