import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackfillReader, type BackfillRecord, writeBackfillRecord } from '../backfill/record.ts';
import { fromBase64Url, toBase64Url } from '../base64-url.ts';
import { formatEnrolmentToken, parseEnrolmentToken } from '../enrolment-token.ts';
import { reconnectDelayMs } from '../reconnect-delay.ts';
import { type AgentMessage, parseAgentMessage, writeAgentMessage } from './agent-message.ts';
import { type ChannelRequest, parseChannelRequest, writeChannelRequest } from './request.ts';
import { parseServerMessage, type ServerMessage, writeServerMessage } from './server-message.ts';

test('what an agent says is read as it was written', () => {
  const messages: AgentMessage[] = [
    {
      type: 'targets',
      targets: [
        { host: '127.0.0.1', port: 554, service: 'rtsp', tunnel_port: 8554, camera: 'cam1' },
        { host: '::1', port: 80, service: 'http' },
      ],
    },
    { type: 'targets', targets: [], partial: true },
    {
      type: 'cameras',
      cameras: [
        {
          id: 'cam1',
          host: '127.0.0.1',
          reachable: true,
          streams: [{ port: 554, path: '/a?b=1', codecs: ['h264', 'aac'], width: 640, height: 360, buffer: 'b1' }],
          vendor: 'Dahua',
          model: 'X',
          bitrate: 2_000_000,
        },
      ],
    },
    { type: 'health', health: { uptime_s: 12.5, cpu_percent: 3, temperature_c: 41 } },
    { type: 'command_result', command_id: '7', ok: false, error: 'no' },
    {
      type: 'backfill_offer',
      now_ms: 1,
      buffers: [
        { buffer: 'b', host: '127.0.0.1', port: 554, path: '/a', ranges: [{ start_ms: 1, end_ms: 2, bytes: 3 }] },
      ],
    },
    { type: 'notice', level: 'warn', text: 'disk full' },
  ];
  for (const message of messages) assert.deepEqual(parseAgentMessage(writeAgentMessage(message)), message);
});

test('what a server says and asks for is read as it was written', () => {
  const messages: ServerMessage[] = [
    { type: 'command', command_id: '1', command: 'log_tail', params: { lines: 10 } },
    { type: 'backfill_query' },
    { type: 'ports', ports: [{ host: '127.0.0.1', port: 554, local_port: 9554 }] },
  ];
  for (const message of messages) assert.deepEqual(parseServerMessage(writeServerMessage(message)), message);
  const requests: ChannelRequest[] = [
    { kind: 'tcp', host: '127.0.0.1', port: 554 },
    { kind: 'backfill', buffer: 'b', startMs: 1, endMs: 2, maxBytesPerSecond: 5000 },
    { kind: 'reply', commandId: '7', name: 'snapshot.jpg' },
  ];
  for (const request of requests) assert.deepEqual(parseChannelRequest(writeChannelRequest(request)), request);
});

test('what a later version may say is passed over, what is wrong is malformed', () => {
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  assert.equal(parseAgentMessage(bytes({ type: 'weather' })), undefined);
  assert.equal(parseServerMessage(bytes({ type: 'weather' })), undefined);
  assert.throws(() => parseChannelRequest(bytes({ kind: 'weather' })), { kind: 'unsupported' });
  const wrong = [
    [],
    { type: 'targets', targets: [{ host: 'a', port: 70_000, service: 'rtsp' }] },
    { type: 'targets', targets: new Array(65).fill({ host: 'a', port: 1, service: 'tcp' }) },
    { type: 'health', health: { uptime_s: 'long' } },
    { type: 'command_result', command_id: 'x'.repeat(65), ok: true },
  ];
  for (const value of wrong) assert.throws(() => parseAgentMessage(bytes(value)), { kind: 'malformed' });
});

test('kept packets come out as they went in, however they are cut', () => {
  const records: BackfillRecord[] = [
    { kind: 'tracks', timeMs: 1_760_000_000_000, sdp: 'v=0\r\n' },
    { kind: 'rtp', timeMs: 1_760_000_000_001, trackIndex: 1, packet: new Uint8Array(1400).fill(9) },
    { kind: 'rtcp', timeMs: 1_760_000_000_002, trackIndex: 0, packet: Uint8Array.of(1) },
    { kind: 'mark', timeMs: 1_760_000_000_003 },
  ];
  const all = Buffer.concat(records.map(writeBackfillRecord));
  for (const step of [1, 7, 1000, all.length]) {
    const read: BackfillRecord[] = [];
    const reader = new BackfillReader((record) => {
      read.push('packet' in record ? { ...record, packet: record.packet.slice() } : record);
    });
    for (let at = 0; at < all.length; at += step) reader.receive(new Uint8Array(all.subarray(at, at + step)));
    assert.deepEqual(read, records);
    assert.equal(reader.isAtBoundary, true);
  }
  const reader = new BackfillReader(() => {});
  assert.throws(() => reader.receive(new Uint8Array(16).fill(255)), { code: 'TUNNEL_BACKFILL' });
});

test('tokens and base64url text survive the way there and back', () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 73 + length) & 255);
    assert.equal(toBase64Url(bytes), Buffer.from(bytes).toString('base64url'));
    assert.deepEqual(fromBase64Url(toBase64Url(bytes)), bytes);
  }
  const token = { id: '00112233aabb', secret: Uint8Array.from({ length: 24 }, (_, i) => i * 11) };
  assert.deepEqual(parseEnrolmentToken(` ${formatEnrolmentToken(token)}\n`), token);
  for (const text of ['', 'wpe_', 'wpe_00112233aabb_short', formatEnrolmentToken(token).replace('wpe', 'wpt')])
    assert.throws(() => parseEnrolmentToken(text), { code: 'ENROLMENT_TOKEN_FORMAT' });
});

test('attempts come at most a second after each other while a session waits, and spread afterwards', () => {
  const at = (failures: number, canResume: boolean, random = 0.99, retryAfterMs = 0) =>
    Math.round(reconnectDelayMs({ failures, canResume, random, retryAfterMs }));
  assert.ok([0, 1, 5, 50].every((failures) => at(failures, true) <= 1000));
  assert.deepEqual(
    [0, 1, 2, 3, 5, 99].map((failures) => at(failures, false, 0)),
    [500, 1000, 2000, 4000, 15_000, 15_000],
  );
  assert.equal(at(0, true, 0, 60_000), 60_000);
  assert.equal(at(0, true, 1, 60_000), 90_000);
});
