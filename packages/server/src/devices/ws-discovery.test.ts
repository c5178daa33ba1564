import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { systemClock } from '@watchpost/base/clock.ts';
import { parseProbeMatch } from '@watchpost/media/onvif/ws-discovery.ts';
import { vendorPaths } from '@watchpost/media/rtsp/vendor-paths.ts';
import { discoverDevices } from './ws-discovery.ts';

const hikvision = `<?xml version="1.0" encoding="UTF-8"?>
<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body><d:ProbeMatches><d:ProbeMatch>
<wsadis:EndpointReference><wsadis:Address>urn:uuid:1</wsadis:Address></wsadis:EndpointReference>
<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types>
<d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/HIKVISION%20DS-2CD onvif://www.onvif.org/hardware/DS-2CD2143</d:Scopes>
<d:XAddrs>http://192.0.2.7/onvif/device_service http://[fe80::1]/onvif/device_service</d:XAddrs>
<d:MetadataVersion>10</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></env:Body></env:Envelope>`;

const answers: readonly { name: string; text: string; from: string; device: object | undefined }[] = [
  {
    name: 'an ordinary answer',
    text: hikvision,
    from: '192.0.2.7',
    device: {
      host: '192.0.2.7',
      name: 'HIKVISION DS-2CD',
      model: 'DS-2CD2143',
      xaddr: 'http://192.0.2.7/onvif/device_service',
    },
  },
  {
    name: 'an address that is the camera’s own idea of itself',
    text: '<ProbeMatches><ProbeMatch><Types>tds:Device</Types><XAddrs>http://127.0.0.1:8000/onvif?a=1&amp;b=2</XAddrs></ProbeMatch></ProbeMatches>',
    from: '192.0.2.8',
    device: { host: '192.0.2.8', xaddr: 'http://192.0.2.8:8000/onvif?a=1&b=2' },
  },
  {
    name: 'scopes that tell a camera where the types do not, with a broken escape',
    text: '<a:ProbeMatch><a:Scopes>onvif://www.onvif.org/name/100%</a:Scopes></a:ProbeMatch>',
    from: '192.0.2.9',
    device: { host: '192.0.2.9', name: '100%' },
  },
  {
    name: 'a printer',
    text: '<d:ProbeMatch><d:Types>wsdp:PrintDeviceType</d:Types><d:XAddrs>http://192.0.2.3/</d:XAddrs></d:ProbeMatch>',
    from: '192.0.2.3',
    device: undefined,
  },
  {
    name: 'a greeting',
    text: '<d:Hello><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Hello>',
    from: '192.0.2.3',
    device: undefined,
  },
  { name: 'noise', text: '\u0000\u0001<<<>>>', from: '192.0.2.3', device: undefined },
];

for (const { name, text, from, device } of answers)
  test(`${name} is read as ${device ? 'a camera' : 'nothing'}`, () => {
    assert.deepEqual(parseProbeMatch(text, from), device);
  });

test('a camera that answers twice is found once; questions of both types are asked, twice', async () => {
  const camera = createSocket('udp4');
  camera.bind(0, '127.0.0.1');
  await once(camera, 'listening');
  const questions: string[] = [];
  camera.on('message', (message, from) => {
    questions.push(/<d:Types>([^<]+)</.exec(message.toString())![1]!);
    camera.send(hikvision, from.port, from.address);
    camera.send('not XML', from.port, from.address);
  });
  const devices = await discoverDevices({
    clock: systemClock,
    waitMs: 500,
    group: '127.0.0.1',
    port: camera.address().port,
    addresses: ['127.0.0.1'],
  });
  camera.close();
  assert.deepEqual(
    devices.map(({ host, model }) => [host, model]),
    [['127.0.0.1', 'DS-2CD2143']],
  );
  assert.deepEqual(questions.sort(), [
    'dn:NetworkVideoTransmitter',
    'dn:NetworkVideoTransmitter',
    'tds:Device',
    'tds:Device',
  ]);
});

test('a search ends when nobody waits for it any more, and finds nothing where there is no network', async () => {
  const signal = AbortSignal.timeout(20);
  const options = { clock: systemClock, waitMs: 60_000, group: '127.0.0.1', port: 9, signal };
  assert.deepEqual(await discoverDevices({ ...options, addresses: ['127.0.0.1'] }), []);
  assert.deepEqual(await discoverDevices({ clock: systemClock, waitMs: 10, addresses: ['192.0.2.1'] }), []);
});

test('every vendor has main paths, each path begins with a slash, ids are unique', () => {
  const ids = vendorPaths.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const { id, main, sub } of vendorPaths) {
    assert.ok(main.length > 0, id);
    assert.ok(sub.length <= main.length, id);
    for (const path of [...main, ...sub]) assert.match(path, /^\/[\w\-./?&=]*$/, `${id} ${path}`);
  }
});
