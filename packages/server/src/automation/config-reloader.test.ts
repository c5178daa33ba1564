import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '@watchpost/base/logger.ts';
import { z } from 'zod';
import type { NewEvent } from '../catalog/types.ts';
import { readConfigText } from '../config/load.ts';
import type { Config, ConfigSections } from '../config/types.ts';
import { FieldError } from '../net/problem.ts';
import { ConfigReloader } from './config-reloader.ts';

const sections: ConfigSections = [{ name: 'rtsp', schemes: ['rtsp'], schema: z.strictObject({}) }];
const camera = (name: string) => `[[cameras]]\nname = "${name}"\nurl = "rtsp://u:hunter2@192.0.2.1/${name}"\n`;

function open(text: string, applying = Promise.resolve()) {
  const read = () => readConfigText(file.text, sections, { file: '/w/w.toml', environment: {} });
  const file = { text };
  const events: NewEvent[] = [];
  const applied: Config[] = [];
  const reloader = new ConfigReloader({
    settings: read().settings!,
    sections,
    events: { emit: (event) => events.push(event) },
    logger: silentLogger,
    read: async () => read(),
    check: async ({ http }) => (http.tls ? ['http.tls: no certificate'] : []),
    apply: async (config) => {
      await applying;
      applied.push(config);
    },
  });
  return { file, events, applied, reloader };
}

test('what differs is applied and told, without a value', async () => {
  const { file, events, applied, reloader } = open(camera('a'));
  file.text = `[recording]\nretention_days = 3\n${camera('b')}`;
  const { applied: changes, restart } = await reloader.reload('api');
  assert.deepEqual(
    [changes.map(({ key }) => key), restart],
    [['recording.retention_days', 'cameras.a', 'cameras.b'], []],
  );
  assert.deepEqual(
    applied.map(({ recording, cameras }) => [recording.retentionDays, cameras.map(({ id }) => id)]),
    [[3, ['b']]],
  );
  assert.deepEqual(events, [
    {
      type: 'config.reloaded',
      level: 'info',
      message: 'Configuration read again: 3 changed',
      data: {
        trigger: 'api',
        applied: ['recording.retention_days', 'cameras.a removed', 'cameras.b added'],
        restart: [],
        warnings: [],
      },
    },
  ]);
});

test('what is wrong with files that are named is told, and counts all the same', async () => {
  const { file, events, applied, reloader } = open('[http.tls]\ncert = "a"\nkey = "k"');
  file.text = '[http.tls]\ncert = "b"\nkey = "k"';
  assert.deepEqual((await reloader.reload('api')).warnings, ['http.tls: no certificate']);
  assert.equal(applied[0]?.http.tls?.certFile, '/w/b');
  assert.deepEqual([events[0]?.level, events[0]?.data?.['warnings']], ['warning', ['http.tls: no certificate']]);
});

test('what needs a restart is reported each time until there was one, and keeps its value', async () => {
  const { file, events, applied, reloader } = open('');
  file.text = `data_dir = "/other"\n${camera('a')}`;
  assert.deepEqual(
    (await reloader.reload('signal')).restart.map(({ key }) => key),
    ['data_dir'],
  );
  assert.deepEqual([applied[0]?.dataDir, applied[0]?.cameras.length], ['/w/data', 1]);
  assert.deepEqual(
    [events[0]?.level, events[0]?.message],
    ['warning', 'Configuration read again: 1 changed; after a restart only: data_dir'],
  );
  assert.deepEqual(
    (await reloader.reload('api')).restart.map(({ key }) => key),
    ['data_dir'],
  );
  file.text = camera('a');
  assert.deepEqual(await reloader.reload('api'), { applied: [], restart: [], warnings: [] });
});

test('a file that is wrong changes nothing, and every mistake is told', async () => {
  const { file, events, applied, reloader } = open(camera('a'));
  file.text = `[http]\nbnd = 1\n${camera('a')}record = "x"\n`;
  await assert.rejects(reloader.reload('api'), (error) => {
    assert.ok(error instanceof FieldError);
    assert.deepEqual(error.fields, [
      { field: 'http.bnd', message: '/w/w.toml:2: there is no such key — did you mean "bind"?' },
      {
        field: 'cameras[0].record',
        message: '/w/w.toml:6: "x" may be true, false, "continuous", "events" or "schedule"',
      },
    ]);
    return true;
  });
  assert.deepEqual(
    [applied.length, events.map(({ type, level }) => [type, level])],
    [0, [['config.rejected', 'error']]],
  );
  assert.ok(!JSON.stringify(events).includes('hunter2'));
  file.text = camera('a') + camera('b');
  assert.deepEqual(
    (await reloader.reload('api')).applied.map(({ key }) => key),
    ['cameras.b'],
  );
});

test('a file that lost all it had changes nothing; one with a comment alone is meant', async () => {
  const { file, events, applied, reloader } = open(camera('a'));
  file.text = ' \n';
  await assert.rejects(reloader.reload('file'), { message: /^\S*w\.toml: the file is empty — save it again/ });
  assert.deepEqual([applied.length, events.map(({ type }) => type)], [0, ['config.rejected']]);
  file.text = '# nothing\n';
  assert.deepEqual(
    (await reloader.reload('api')).applied.map(({ key, change }) => `${key} ${change}`),
    ['cameras.a removed'],
  );
});

test('the watch of the file tells the same reading once, whatever it was', async () => {
  const { file, events, reloader } = open('');
  file.text = camera('a');
  await reloader.reload('api');
  await reloader.reload('file');
  file.text = '[http]\nbnd = 1';
  await assert.rejects(reloader.reload('file'));
  assert.deepEqual(await reloader.reload('file'), { applied: [], restart: [], warnings: [] });
  assert.deepEqual(
    events.map(({ type }) => type),
    ['config.reloaded', 'config.rejected'],
  );
});

test('readings that come at once are done one after the other', async () => {
  const { file, applied, reloader } = open('');
  file.text = camera('a');
  const results = await Promise.all([reloader.reload('api'), reloader.reload('signal')]);
  assert.deepEqual(
    results.map((result) => result.applied.length),
    [1, 0],
  );
  assert.equal(applied.length, 1);
});

test('its end waits for what is being applied, and nothing is read after it', async () => {
  const gate = Promise.withResolvers<void>();
  const { file, applied, reloader } = open('', gate.promise);
  file.text = camera('a');
  const reloaded = reloader.reload('file');
  await new Promise((resolve) => setImmediate(resolve));
  const ended = reloader[Symbol.asyncDispose]().then(() => applied.length);
  const late = reloader.reload('api');
  gate.resolve();
  await assert.rejects(late, { code: 'SHUTDOWN' });
  assert.equal((await reloaded).applied.length, 1);
  assert.equal(await ended, 1);
});
