import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { createRtsp } from './index.ts';
import { rtspSection } from './section.ts';
import { type RtspSource, readSource } from './source-options.ts';

const hex = '0123456789abcdef'.repeat(4);
const plain: RtspSource = {
  url: 'rtsp://192.0.2.1/a',
  host: '192.0.2.1',
  port: 554,
  tls: false,
  httpTunnel: false,
  transports: undefined,
  fingerprint: undefined,
  replay: undefined,
};

test('an address says how a camera is reached', () => {
  const cases: [address: string, expected: Partial<RtspSource>][] = [
    ['rtsp://192.0.2.1/a', {}],
    ['rtsp://u:p#@192.0.2.1:8554/a#transport=udp', { url: 'rtsp://192.0.2.1:8554/a', port: 8554, transports: ['udp'] }],
    [
      'rtsp://192.0.2.1/a?b=1#transport=multicast,tcp',
      { url: 'rtsp://192.0.2.1/a?b=1', transports: ['multicast', 'tcp'] },
    ],
    ['rtsps://192.0.2.1/a', { url: 'rtsps://192.0.2.1/a', port: 322, tls: true, transports: ['tcp'] }],
    [
      'rtsps://192.0.2.1/a#transport=udp,tcp',
      { url: 'rtsps://192.0.2.1/a', port: 322, tls: true, transports: ['udp', 'tcp'] },
    ],
    [
      `rtsps://192.0.2.1/a#fingerprint=${hex}`,
      { url: 'rtsps://192.0.2.1/a', port: 322, tls: true, transports: ['tcp'], fingerprint: hex },
    ],
    [
      `rtsp://192.0.2.1/a#fingerprint=SHA256:${hex.toUpperCase().replaceAll(/(..)(?!$)/g, '$1:')}`,
      { fingerprint: hex },
    ],
    ['rtsp+http://192.0.2.1/a', { port: 80, httpTunnel: true, transports: ['tcp'] }],
    [
      'rtsps+http://192.0.2.1:8443/a',
      { url: 'rtsps://192.0.2.1:8443/a', port: 8443, tls: true, httpTunnel: true, transports: ['tcp'] },
    ],
    [
      'rtsp://192.0.2.1/a#replay=2026-11-20T11:49:00Z/',
      { transports: ['tcp'], replay: { startMs: Date.UTC(2026, 10, 20, 11, 49) } },
    ],
    [
      'rtsp://192.0.2.1/a#transport=tcp&replay=2026-11-20T11:49:00.5Z/2026-11-20T11:50:00Z',
      {
        transports: ['tcp'],
        replay: { startMs: Date.UTC(2026, 10, 20, 11, 49, 0, 500), endMs: Date.UTC(2026, 10, 20, 11, 50) },
      },
    ],
    ['rtsp://192.0.2.1/a#1', { url: 'rtsp://192.0.2.1/a#1' }],
  ];
  for (const [address, expected] of cases)
    assert.deepEqual(readSource(parseSourceUrl(address)), { ...plain, ...expected }, address);
});

test('an option that means nothing is refused with what may stand there', () => {
  const cases: [options: string, message: RegExp][] = [
    ['transprt=udp', /"transprt=udp" .* known after "#": transport, fingerprint, replay$/],
    ['transport=sctp', /write one or more of tcp,udp,multicast/],
    ['transport=udp,udp', /unknown/],
    ['fingerprint=12', /64 hex digits/],
    ['replay=yesterday', /write "replay=/],
    ['replay=2026-11-20T11:49:00Z/2026-11-20T11:48:00Z', /no range/],
    ['replay=2026-13-20T11:49:00Z/', /no range/],
    ['transport=udp&', /no option/],
  ];
  for (const [options, message] of cases)
    assert.throws(
      () => readSource(parseSourceUrl(`rtsp://admin:secret@192.0.2.1/a#${options}`)),
      (error: WatchpostError) =>
        error.code === 'RTSP_OPTION_INVALID' && message.test(error.message) && !error.message.includes('secret'),
      options,
    );
});

test('the configuration and the API ask the same, for connections that choose no transport as well', () => {
  const source = parseSourceUrl('rtsp+http://192.0.2.1/x#transport=quic');
  for (const { checkSource } of [rtspSection, createRtsp({ userAgent: 'test' })])
    assert.throws(() => checkSource!(source), { code: 'RTSP_OPTION_INVALID', message: /write one or more of tcp,udp/ });
});
