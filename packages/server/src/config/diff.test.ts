import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { costsNothing } from './change-cost.ts';
import { type ConfigChange, costsOfKeys, diffConfig } from './diff.ts';
import { readConfigText } from './load.ts';
import { configSchema } from './schema.ts';
import type { ConfigSections } from './types.ts';

const sections: ConfigSections = [
  { name: 'rtsp', schemes: ['rtsp'], schema: z.strictObject({}) },
  {
    name: 'hls',
    schema: z.strictObject({
      length: z.int().default(5).describe('x'),
      order: z.int().default(1).describe('y').meta({ cost: 'these readers' }),
    }),
  },
  {
    name: 'bells',
    place: 'root',
    schema: z
      .array(z.strictObject({ url: z.string().describe('x'), loud: z.boolean().default(false).describe('y') }))
      .default([])
      .meta(costsNothing),
  },
];
const schema = configSchema(sections);
const settings = (text: string) => {
  const { settings: found, errors } = readConfigText(text, sections, { file: '/w.toml', environment: {} });
  assert.deepEqual(errors, []);
  return found!;
};
const diff = (before: string, after: string) => diffConfig(schema, settings(before), settings(after));
const camera = (name: string, more = '') =>
  `[[cameras]]\nname = "${name}"\nurl = "rtsp://192.0.2.1/${name}"\n${more}\n`;
const backend = (name: string, more = '') => `[[storage.backends]]\nname = "${name}"\nbase_path = "${name}"\n${more}\n`;

const cases: [title: string, before: string, after: string, changes: ConfigChange[]][] = [
  ['nothing', camera('a'), camera('a'), []],
  ['the order of cameras only', camera('a') + camera('b'), camera('b') + camera('a'), []],
  [
    'a camera more, a camera less',
    camera('a') + camera('b'),
    camera('b') + camera('c'),
    [
      { key: 'cameras.a', change: 'removed', cost: 'this source' },
      { key: 'cameras.c', change: 'added', cost: 'this source' },
    ],
  ],
  [
    'a camera renamed for people, and its password',
    camera('a'),
    camera('a', 'title = "A"\npassword = "x"'),
    [
      { key: 'cameras.a.title', change: 'changed', cost: 'nothing' },
      { key: 'cameras.a.password', change: 'changed', cost: 'this source' },
    ],
  ],
  [
    'recording',
    '[recording]\nretention_days = 7',
    '[recording]\nretention_days = 9\nsegment_duration = "2m"',
    [
      { key: 'recording.segment_duration', change: 'changed', cost: 'nothing' },
      { key: 'recording.retention_days', change: 'changed', cost: 'nothing' },
    ],
  ],
  [
    'the port and the folder',
    '',
    'data_dir = "/x"\n[http]\nbind = "127.0.0.1:1"',
    [
      { key: 'data_dir', change: 'changed', cost: 'restart' },
      { key: 'http.bind', change: 'changed', cost: 'restart' },
    ],
  ],
  [
    'a backend',
    backend('a') + backend('b'),
    backend('a', 'max_bytes = "1TB"') + backend('c'),
    [
      { key: 'storage.backends.b', change: 'removed', cost: 'these readers' },
      { key: 'storage.backends.a.max_bytes', change: 'changed', cost: 'nothing' },
      { key: 'storage.backends.c', change: 'added', cost: 'these readers' },
    ],
  ],
  [
    'the order of backends',
    backend('a') + backend('b') + backend('c'),
    backend('c') + backend('a') + backend('b'),
    [{ key: 'storage.backends', change: 'changed', cost: 'these readers' }],
  ],
  ['the order of cameras', camera('a') + camera('b'), camera('b') + camera('a'), []],
  [
    'keys of a protocol',
    '',
    '[protocols.hls]\nlength = 6\norder = 2',
    [
      { key: 'protocols.hls.length', change: 'changed', cost: 'restart' },
      { key: 'protocols.hls.order', change: 'changed', cost: 'these readers' },
    ],
  ],
  [
    'a list at the root, matched by url',
    '[[bells]]\nurl = "a"\n[[bells]]\nurl = "b"',
    '[[bells]]\nurl = "b"\nloud = true',
    [
      { key: 'bells.a', change: 'removed', cost: 'nothing' },
      { key: 'bells.b.loud', change: 'changed', cost: 'nothing' },
    ],
  ],
  [
    'addresses are told without what is secret in them',
    '[[bells]]\nurl = "https://anna:secret@chat.example:1/services/secret?token=secret"',
    '[[bells]]\nurl = "https://chat.example:1/services/secret"',
    [
      { key: 'bells.chat.example:1', change: 'removed', cost: 'nothing' },
      { key: 'bells.chat.example:1', change: 'added', cost: 'nothing' },
    ],
  ],
];

for (const [title, before, after, changes] of cases) {
  test(`what differs: ${title}`, () => assert.deepEqual(diff(before, after).changes, changes));
}

test('what needs a restart keeps its old value, all else is new', () => {
  const before = `data_dir = "/a"\n[http]\nbind = "127.0.0.1:1"\n${backend('x')}${backend('y')}${camera('a')}`;
  const after = `data_dir = "/b"\n[http]\nbind = "127.0.0.1:2"\n${backend('z')}${backend('x', 'retention_days = 3')}${camera('b')}`;
  const expected = `data_dir = "/a"\n[http]\nbind = "127.0.0.1:1"\n${backend('z')}${backend('x', 'retention_days = 3')}${camera('b')}`;
  assert.deepEqual(diff(before, after).next, settings(expected));
});

test('with nothing that needs a restart, what runs next is what was wanted', () => {
  const wanted = `[recording]\nenabled = false\n${camera('a', 'record = true')}${camera('b', 'on_demand = true')}`;
  assert.deepEqual(diff(camera('c'), wanted).next, settings(wanted));
});

test('certificates come, change and go while the server runs', () => {
  const tls = (name: string) => `[http.tls]\ncert = "${name}.crt"\nkey = "${name}.key"`;
  assert.deepEqual(diff(tls('a'), tls('b')).changes, [
    { key: 'http.tls.cert', change: 'changed', cost: 'nothing' },
    { key: 'http.tls.key', change: 'changed', cost: 'nothing' },
  ]);
  for (const [before, after] of [
    ['', tls('a')],
    [tls('a'), ''],
  ] as const)
    assert.deepEqual(diff(before, after).changes, [{ key: 'http.tls', change: 'changed', cost: 'nothing' }]);
});

test('each key has its cost', () => {
  const table = Object.fromEntries(costsOfKeys(schema));
  assert.deepEqual(table, {
    data_dir: 'restart',
    media_dir: 'nothing',
    'http.bind': 'restart',
    'http.tls.cert': 'nothing',
    'http.tls.key': 'nothing',
    'auth.mode': 'these readers',
    'auth.hosts': 'nothing',
    'protocols.enabled': 'these readers',
    'protocols.hls.length': 'restart',
    'protocols.hls.order': 'these readers',
    'recording.enabled': 'nothing',
    'recording.segment_duration': 'nothing',
    'recording.retention_days': 'nothing',
    'recording.reconnect_delay': 'nothing',
    'recording.pre_roll': 'nothing',
    'recording.post_roll': 'nothing',
    'recording.layout': 'nothing',
    'recording.max_event': 'nothing',
    'storage.policy': 'restart',
    'storage.backends[].type': 'these readers',
    'storage.backends[].name': 'these readers',
    'storage.backends[].base_path': 'these readers',
    'storage.backends[].retention_days': 'nothing',
    'storage.backends[].max_bytes': 'nothing',
    'storage.backends[].min_free': 'nothing',
    'cameras[].name': 'this source',
    'cameras[].title': 'nothing',
    'cameras[].url': 'this source',
    'cameras[].urls': 'this source',
    'cameras[].sub_url': 'this source',
    'cameras[].username': 'this source',
    'cameras[].password': 'this source',
    'cameras[].push': 'nothing',
    'cameras[].record': 'nothing',
    'cameras[].schedule': 'nothing',
    'cameras[].pre_roll': 'nothing',
    'cameras[].post_roll': 'nothing',
    'cameras[].max_event': 'nothing',
    'cameras[].retention_days': 'nothing',
    'cameras[].max_bytes': 'nothing',
    'cameras[].on_demand': 'this source',
    'bells[].url': 'nothing',
    'bells[].loud': 'nothing',
  });
});
