import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventRecord } from '../catalog/types.ts';
import { type ApiFixture, openApiFixture, withoutLogins } from './api-fixture.ts';

const open = { overrides: withoutLogins } as const;
const gate = { stream_id: 'gate', source_url: 'rtsp://192.0.2.10/x' };
const week = { time_zone: 'Europe/Berlin', ranges: [{ days: ['mon'], from: '22:00', to: '06:00' }] };

async function ask(
  fixture: ApiFixture,
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  payload?: object,
) {
  const { statusCode, body } = await fixture.app.inject({ method, url: `/api/v1${path}`, ...(payload && { payload }) });
  return { status: statusCode, body: body === '' ? undefined : JSON.parse(body) };
}

test('how a stream is recorded is given, changed and taken back key by key', async () => {
  await using fixture = await openApiFixture(open);
  await ask(fixture, 'PUT', '/schedules/nights', week);
  await ask(fixture, 'POST', '/streams', { ...gate, record: 'events', pre_roll: 3 });
  const steps: readonly [patch: object, rules: unknown][] = [
    [{ title: 'x' }, { mode: 'events', preRollSeconds: 3 }],
    [
      { post_roll: 7, pre_roll: null },
      { mode: 'events', postRollSeconds: 7 },
    ],
    [{ schedule: 'nights' }, { mode: 'schedule', schedule: 'nights', postRollSeconds: 7 }],
    [
      { schedule: null, post_roll: null, retention_days: 30 },
      { mode: 'continuous', retentionDays: 30 },
    ],
    [{ record: true, retention_days: null }, undefined],
  ];
  for (const [patch, rules] of steps) {
    assert.equal((await ask(fixture, 'PATCH', '/streams/gate', patch)).status, 200);
    assert.deepEqual(fixture.deps.hub.get('gate')!.definition.recording, rules, JSON.stringify(patch));
    const [loaded] = await fixture.deps.definitions.load();
    assert.deepEqual(loaded!.recording, rules);
  }
  const { body } = await ask(fixture, 'PATCH', '/streams/gate', { schedule: 'days' });
  assert.deepEqual([body.code, body.errors[0].field], ['SCHEDULE_NOT_FOUND', 'schedule']);
  assert.equal((await ask(fixture, 'PATCH', '/streams/gate', { record: 'schedule' })).body.errors[0].field, 'schedule');
});

test('recording switched by hand counts until it is left to the rules again', async () => {
  await using fixture = await openApiFixture(open);
  await ask(fixture, 'POST', '/streams', { ...gate, record: 'events' });
  const on = await ask(fixture, 'POST', '/streams/gate/recording/start');
  assert.deepEqual([on.body.recording.manual, on.body.recording.mode], [true, 'events']);
  assert.equal((await fixture.deps.definitions.load())[0]!.manual, true);
  const auto = await ask(fixture, 'POST', '/streams/gate/recording/auto');
  assert.deepEqual([auto.body.recording.manual, auto.body.recording.enabled], [null, true]);
  await ask(fixture, 'POST', '/streams/gate/recording/stop');
  const changed = await ask(fixture, 'PATCH', '/streams/gate', { record: 'continuous' });
  assert.deepEqual([changed.body.recording.manual, changed.body.recording.enabled], [null, true]);
  assert.deepEqual(fixture.recorderCalls, ['start gate', 'auto gate', 'stop gate', 'auto gate']);
});

test('schedules are made, listed with their streams, and go only when none uses them', async () => {
  await using fixture = await openApiFixture(open);
  fixture.deps.schedules.setFile([{ name: 'office', ranges: [] }]);
  const made = await ask(fixture, 'PUT', '/schedules/nights', week);
  const expected = {
    ...{ name: 'nights', time_zone: 'Europe/Berlin', origin: 'api', streams: [] },
    ranges: [{ days: ['mon'], from: '22:00', to: '06:00', record: 'continuous' }],
  };
  assert.deepEqual(made.body, expected);
  await ask(fixture, 'POST', '/streams', { ...gate, schedule: 'nights' });
  const { schedules } = (await ask(fixture, 'GET', '/schedules')).body;
  assert.deepEqual(
    schedules.map((one: typeof expected) => [one.name, one.origin, one.streams]),
    [
      ['nights', 'api', ['gate']],
      ['office', 'file', []],
    ],
  );
  assert.equal((await ask(fixture, 'DELETE', '/schedules/nights')).body.code, 'SCHEDULE_IN_USE');
  assert.equal((await ask(fixture, 'PUT', '/schedules/office', week)).body.code, 'defined_in_file');
  await ask(fixture, 'PATCH', '/streams/gate', { schedule: null });
  assert.equal((await ask(fixture, 'DELETE', '/schedules/nights')).status, 204);
  assert.equal((await ask(fixture, 'DELETE', '/schedules/nights')).body.code, 'SCHEDULE_NOT_FOUND');
  const wrong = await ask(fixture, 'PUT', '/schedules/x', { ranges: [{ from: '08:00', to: '08:00' }] });
  assert.equal(wrong.body.errors[0].field, 'ranges.0.to');
});

test('what happens in front of a camera is an event of the bus', async () => {
  await using fixture = await openApiFixture(open);
  await ask(fixture, 'POST', '/streams', gate);
  const heard: EventRecord[] = [];
  fixture.events.subscribe((event) => heard.push(event));
  const taken = await ask(fixture, 'POST', '/streams/gate/events', { type: 'door_open', duration: 4 });
  assert.deepEqual([taken.status, taken.body.recorded], [202, false]);
  const [event] = heard;
  assert.deepEqual(
    [event!.type, event!.streamId, event!.data],
    ['alarm.door_open', 'gate', { state: 'pulse', duration_seconds: 4 }],
  );
  assert.equal((await ask(fixture, 'POST', '/streams/gate/events', { type: 'No!' })).body.errors[0].field, 'type');
});
