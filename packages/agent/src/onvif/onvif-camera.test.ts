import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { passwordDigest } from '@watchpost/media/onvif/soap.ts';
import { takeSnapshot } from '../commands/snapshot.ts';
import { nodePlatform } from '../platform/node-platform.ts';
import { OnvifCamera } from './onvif-camera.ts';

// A camera that moves, with its clock an hour ahead, addresses of its own idea, and a picture behind HTTP Digest.

const platform = nodePlatform();
const aheadMs = 3_600_000;
let server: Server;
let port: number;
let asked: string[] = [];
let bodies: string[] = [];
let wssIsOff = false;
const jpeg = Buffer.from([0xff, 0xd8, 1, 2, 3, 0xff, 0xd9]);

const envelope = (body: string) =>
  `\n <e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>${body}</e:Body></e:Envelope>`;
const answers: Readonly<Record<string, () => string>> = {
  GetSystemDateAndTime: () => {
    const now = new Date(Date.now() + aheadMs);
    return `<a><b:UTCDateTime><b:Time><b:Hour>${now.getUTCHours()}</b:Hour><b:Minute>${now.getUTCMinutes()}</b:Minute><b:Second>${now.getUTCSeconds()}</b:Second></b:Time><b:Date><b:Year>${now.getUTCFullYear()}</b:Year><b:Month>${now.getUTCMonth() + 1}</b:Month><b:Day>${now.getUTCDate()}</b:Day></b:Date></b:UTCDateTime></a>`;
  },
  GetDeviceInformation: () =>
    '<r><tds:Manufacturer>Dahua</tds:Manufacturer><tds:Model>IPC &amp; Co</tds:Model><tds:FirmwareVersion>0.1</tds:FirmwareVersion></r>',
  GetCapabilities: () =>
    '<c><tt:Media><tt:XAddr>http://192.168.1.108/onvif/media</tt:XAddr></tt:Media><tt:PTZ><tt:XAddr>http://192.168.1.108/onvif/ptz?x=1</tt:XAddr></tt:PTZ></c>',
  GetProfiles: () =>
    '<g><trt:Profiles token="000"><tt:Name>fixed</tt:Name></trt:Profiles><trt:Profiles fixed="true" token="001"><tt:PTZConfiguration token="p"></tt:PTZConfiguration></trt:Profiles></g>',
  GetSnapshotUri: () => '<s><tt:Uri>http://192.168.1.108/picture?a=1&amp;b=2</tt:Uri></s>',
  ContinuousMove: () => '<m/>',
  Stop: () => '<m/>',
  GotoPreset: () => '<m/>',
  GotoHomePosition: () => '<m/>',
};

before(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => (body += data));
    request.on('end', () => {
      asked.push(`${request.method} ${request.url}`);
      bodies.push(body);
      if (request.url!.startsWith('/picture')) {
        const isLoggedIn = /^Digest .*username="admin"/.test(request.headers.authorization ?? '');
        if (!isLoggedIn)
          response.writeHead(401, { 'www-authenticate': 'Digest realm="cam", nonce="n1", qop="auth"' }).end();
        else response.end(jpeg);
        return;
      }
      const operation = /<(?:\w+:)?Body><(\w+)/.exec(body)?.[1] ?? '';
      const isOpen = operation === 'GetSystemDateAndTime';
      const digest = request.headers.authorization?.startsWith('Digest ') === true;
      if (!isOpen && wssIsOff && !digest)
        return response.writeHead(401, { 'www-authenticate': 'Digest realm="cam", nonce="n2", qop="auth"' }).end();
      if (!isOpen && !wssIsOff && !isRightToken(body))
        return response
          .writeHead(400)
          .end(
            envelope(
              '<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>ter:NotAuthorized</e:Value></e:Subcode></e:Code><e:Reason><e:Text>denied</e:Text></e:Reason></e:Fault>',
            ),
          );
      return response.end(envelope(answers[operation]?.() ?? ''));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
after(() => server.close());

/** Right user, right hash, and a time within 5 s of the camera's own. */
function isRightToken(body: string): boolean {
  const part = (name: string) => new RegExp(`<\\w:${name}(?:\\s[^>]*)?>([^<]*)<`).exec(body)?.[1] ?? '';
  const nonce = Uint8Array.from(atob(part('Nonce')), (character) => character.charCodeAt(0));
  const isFresh = Math.abs(Date.parse(part('Created')) - Date.now() - aheadMs) < 5000;
  return (
    isFresh && part('Username') === 'admin' && part('Password') === passwordDigest(nonce, part('Created'), 'secret')
  );
}

const cameraWith = (password = 'secret') => {
  asked = [];
  bodies = [];
  return new OnvifCamera(platform, { host: '127.0.0.1', port, username: 'admin', password });
};

test('a camera is asked with its own time, at the address that we know it by', async () => {
  const camera = cameraWith();
  assert.deepEqual(await camera.information(), { vendor: 'Dahua', model: 'IPC & Co', firmware: '0.1' });
  await camera.move({ pan: 0.5, tilt: -0.25 }, 50);
  assert.deepEqual(asked.slice(-2), ['POST /onvif/ptz?x=1', 'POST /onvif/ptz?x=1']);
  assert.match(
    bodies.at(-2)!,
    /<ProfileToken>001<\/ProfileToken><Velocity><t:PanTilt x="0.5" y="-0.25"\/><\/Velocity>/,
  );
  assert.match(bodies.at(-1)!, /<Stop /, 'each movement is followed by a stop');
  assert.ok(bodies.every((body) => !body.includes('secret')));
});

test('presets and the home position', async () => {
  const camera = cameraWith();
  await camera.goTo('007');
  assert.match(bodies.at(-1)!, /<PresetToken>007</);
  await camera.goTo(undefined);
  assert.match(bodies.at(-1)!, /<GotoHomePosition /);
});

test('a wrong password is told as one', async () => {
  await assert.rejects(cameraWith('wrong').information(), { code: 'ONVIF_NOT_AUTHORIZED', kind: 'unauthenticated' });
});

test('where tokens are switched off, HTTP Digest is used', async () => {
  wssIsOff = true;
  try {
    assert.equal((await cameraWith().information()).vendor, 'Dahua');
  } finally {
    wssIsOff = false;
  }
});

test('a picture is fetched with Digest, query and all', async () => {
  const camera = cameraWith();
  const address = { host: '127.0.0.1', port, username: 'admin', password: 'secret' };
  assert.deepEqual(Buffer.from(await takeSnapshot(platform, address, camera)), jpeg);
  assert.equal(asked.at(-1), 'GET /picture?a=1&b=2');
  const bytes = await takeSnapshot(platform, { ...address, path: '/picture' }, camera);
  assert.equal(bytes.length, jpeg.length);
  await assert.rejects(takeSnapshot(platform, { ...address, path: '/nothing' }, camera), { code: 'AGENT_NO_SNAPSHOT' });
});
