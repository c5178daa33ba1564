import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { readConfigText } from '../../config/load.ts';
import { configSections } from '../../registry.ts';
import { checkCertificates } from './certificates.ts';
import { checkListeners } from './listeners.ts';

const testdata = new URL('../../net/testdata/', import.meta.url).pathname;
const firstEndsMs = Date.parse('2126-10-28T06:21:24Z');
const dayMs = 24 * 3_600_000;

const configOf = (text: string) =>
  readConfigText(text, configSections, { file: `${testdata}watchpost.toml`, environment: {} }).config!;
const https = (cert: string, key: string) => configOf(`[http]\ntls = { cert = "${cert}", key = "${key}" }`);

const cases: readonly { name: string; cert: string; key: string; daysLeft: number; status: string; text: RegExp }[] = [
  {
    name: 'fits',
    cert: 'first.crt',
    key: 'first.key',
    daysLeft: 20,
    status: 'fine',
    text: /^http\.tls: .*20 more days$/,
  },
  { name: 'ends soon', cert: 'first.crt', key: 'first.key', daysLeft: 13, status: 'odd', text: /13 more days$/ },
  {
    name: 'has ended',
    cert: 'first.crt',
    key: 'first.key',
    daysLeft: -1,
    status: 'bad',
    text: /first\.crt has expired$/,
  },
  {
    name: 'has another key',
    cert: 'first.crt',
    key: 'second.key',
    daysLeft: 20,
    status: 'bad',
    text: /no certificate and its key/,
  },
  {
    name: 'is missing',
    cert: 'none.crt',
    key: 'first.key',
    daysLeft: 20,
    status: 'bad',
    text: /none\.crt" cannot be read/,
  },
];

for (const { name, cert, key, daysLeft, status, text } of cases)
  test(`a certificate that ${name} is ${status}`, async () => {
    const clock = new ManualClock(firstEndsMs - daysLeft * dayMs);
    const [finding] = await checkCertificates(https(cert, key), clock);
    assert.equal(finding?.status, status, finding?.text);
    assert.match(finding!.text, text);
    assert.equal(finding?.cure !== undefined, status !== 'fine');
  });

test('certificates and TLS ports of protocols are looked at where TLS is on', async () => {
  const config = configOf(
    '[http]\nbind = "127.0.0.1:0"\n[protocols]\nenabled = ["rtsp", "rtmp"]\n[protocols.rtsp]\nbind = "127.0.0.1:0"\n' +
      'bind_tls = "127.0.0.1:0"\ntls_cert = "first.crt"\ntls_key = "second.key"\n[protocols.rtmp]\nbind = "127.0.0.1:0"',
  );
  const certificates = await checkCertificates(config);
  assert.deepEqual(
    certificates.map(({ status, text }) => [status, text.split(':')[0]]),
    [['bad', 'protocols.rtsp']],
  );
  const ports = (await checkListeners(config)).map(({ text }) => text.split(' ')[0]);
  assert.deepEqual(ports, ['http.bind', 'protocols.rtsp.bind', 'protocols.rtsp.bind_tls', 'protocols.rtmp.bind']);
});
