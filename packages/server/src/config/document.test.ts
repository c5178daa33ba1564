import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { formatKeyPath, type KeyPath } from './key-path.ts';
import { formatConfigMessage, readConfigText } from './load.ts';
import { readJson } from './read-json.ts';
import { readYaml } from './read-yaml.ts';
import type { ConfigSection } from './types.ts';

const sections: ConfigSection[] = [
  { name: 'rtsp', schemes: ['rtsp'], schema: z.strictObject({}) },
  { name: 'hls', schema: z.strictObject({ segment_duration: z.number().default(2).describe('x') }) },
];
const read = (file: string, text: string) => readConfigText(text, sections, { file, environment: { PW: 's3cret' } });

const toml = `data_dir = "/srv/wp"
[http]
bind = "[::1]:8081"
[recording]
segment_duration = "5m"
[protocols]
enabled = ["rtsp"]
[[storage.backends]]
name = "ssd"
base_path = "video"
[[cameras]]
name = "gate"
title = "Ворота"
url = "rtsp://192.0.2.1/1"
password = "\${PW}"
[[cameras]]
name = "door"
urls = ["rtsp://192.0.2.2/1", "rtsp://192.0.2.3/1"]
`;
const yaml = `# the same
data_dir: /srv/wp
http: { bind: "[::1]:8081" }
recording:
  segment_duration: 5m
protocols:
  enabled: [rtsp]
  hls:
  #  segment_duration: 2
storage:
  backends:
    - name: ssd
      base_path: video
cameras:
  - name: gate
    title: Ворота
    url: rtsp://192.0.2.1/1
    password: "\${PW}"
  - name: door
    urls:
      - rtsp://192.0.2.2/1
      - rtsp://192.0.2.3/1
`;
const json = `{
\t"data_dir": "/srv/wp",
\t"http": { "bind": "[::1]:8081" },
\t"recording": { "segment_duration": "5m" },
\t"protocols": { "enabled": ["rtsp"], "hls": {} },
\t"storage": { "backends": [{ "name": "ssd", "base_path": "video" }] },
\t"cameras": [
\t\t{ "name": "gate", "title": "\\u0412орота", "url": "rtsp:\\/\\/192.0.2.1/1", "password": "\${PW}" },
\t\t{ "name": "door", "urls": ["rtsp://192.0.2.2/1", "rtsp://192.0.2.3/1"] }
\t]
}`;

test('the three formats say the same', () => {
  const [expected, ...others] = [read('/w/w.toml', toml), read('/w/w.yaml', yaml), read('/w/w.json', json)];
  assert.equal(expected?.config?.cameras[0]?.sources[0]?.password, 's3cret');
  for (const { config, errors, warnings } of others) {
    assert.deepEqual([errors, warnings], [[], []]);
    assert.deepEqual(config, expected?.config);
  }
  assert.deepEqual(read('/w/W.YML', yaml).config, expected?.config);
});

test('an empty YAML document means the defaults, and sections without keys do, too', () => {
  const expected = read('/w/w.toml', '').config;
  for (const text of ['', '# nothing\n', '---\n', 'http:\ncameras:\nstorage:\n  backends:\nprotocols:\n  hls:\n'])
    assert.deepEqual(read('/w/w.yaml', text).config, expected, text);
});

test('YAML anchors spare repetition', () => {
  const { config, errors } = read(
    '/w/w.yaml',
    `cameras:
  - &usual { name: a, url: rtsp://192.0.2.1/1, username: u, record: false }
  - { <<: *usual, name: b, url: rtsp://192.0.2.2/1 }`,
  );
  assert.deepEqual(errors, []);
  assert.deepEqual(
    config?.cameras.map(({ id, record, sources }) => [id, record, sources[0]?.host, sources[0]?.username]),
    [
      ['a', false, '192.0.2.1', 'u'],
      ['b', false, '192.0.2.2', 'u'],
    ],
  );
});

test('every key that the parser finds has its line', () => {
  for (const [reader, text] of [
    [readYaml, yaml],
    [readJson, json],
  ] as const) {
    const document = reader(text);
    assert.ok('value' in document);
    const keys: string[] = [];
    const walk = (value: unknown, path: KeyPath) => {
      if (path.length > 0) keys.push(formatKeyPath(path));
      if (typeof value !== 'object' || value === null) return;
      for (const [key, inner] of Object.entries(value))
        walk(inner, [...path, Array.isArray(value) ? Number(key) : key]);
    };
    walk(document.value, []);
    assert.deepEqual([...document.lines.keys()].sort(), keys.sort());
    const line = text.split('\n')[document.lines.get('cameras[1].urls[1]')! - 1];
    assert.match(line ?? '', /192\.0\.2\.3/);
  }
});

const cam = 'cameras:\n  - name: gate\n    url: rtsp://192.0.2.1/a\n';
const mistakes: [title: string, file: string, text: string, message: string][] = [
  ['a key misspelt', 'w.yaml', 'http:\n  bnd: ":1"', '2: http.bnd: there is no such key — did you mean "bind"?'],
  ['a key misspelt', 'w.json', '{"http":\n{"bnd": 1}}', '2: http.bnd: there is no such key — did you mean "bind"?'],
  [
    'a number in quotes',
    'w.yaml',
    'recording:\n  retention_days: "7"',
    '2: recording.retention_days: "7" must be a number — write retention_days: 7, without quotes',
  ],
  [
    'a number in quotes',
    'w.json',
    '{\n"recording": {\n"retention_days": "7"}}',
    '3: recording.retention_days: "7" must be a number — write "retention_days": 7, without quotes',
  ],
  [
    'yes for true, which YAML 1.2 has no more',
    'w.yaml',
    'recording: { enabled: yes }',
    '1: recording.enabled: "yes" must be true or false — write enabled: true',
  ],
  [
    'a camera without a list',
    'w.yaml',
    'cameras:\n  name: a',
    '1: cameras: is one table — write cameras: and below it a "-" before the first key of each',
  ],
  ['a camera without a list', 'w.json', '{"cameras": {}}', '1: cameras: is one table — write "cameras": [{ … }]'],
  [
    'a value for a section',
    'w.yaml',
    'http: 8080',
    '1: http: 8080 must be a section — write http: and the keys indented below it',
  ],
  ['a key without a value', 'w.yaml', 'data_dir:', '1: data_dir: is empty — write a value, or leave the key out'],
  [
    'a password that is a number',
    'w.yaml',
    `${cam}    password: 0123`,
    '4: cameras[0].password: the value must be text — put it in quotes',
  ],
  [
    'a name twice',
    'w.yaml',
    `${cam}  - name: gate\n    url: rtsp://h/x`,
    '4: cameras[1].name: "gate" is taken by cameras[0] — use another, such as "gate-2"',
  ],
  [
    'no address',
    'w.json',
    '{"cameras": [\n{"name": "a"}]}',
    '2: cameras[0]: has no address — write "url": "rtsp://HOST/PATH"',
  ],
  [
    'a tab for indentation',
    'w.yaml',
    'http:\n\tbind: ":1"',
    '2:1: a tab stands at the beginning of the line, and YAML is indented with spaces — write spaces in its place',
  ],
  [
    'a key that stands twice',
    'w.yaml',
    'http: {}\nhttp: {}',
    '2:1: the key http stands here for the second time — keep one of them',
  ],
  [
    'a key that stands twice',
    'w.json',
    '{"http": {},\n"http": {}}',
    '2:1: the key "http" stands here for the second time — keep one of them',
  ],
  ['TOML in a YAML file', 'w.yaml', '[http]\nbind = ":1"', '2:1: this looks like TOML — name the file watchpost.toml'],
  [
    'a line of TOML in a YAML file',
    'w.yaml',
    'data_dir = "x"',
    '1:1: this looks like TOML — name the file watchpost.toml',
  ],
  [
    'a comma too many',
    'w.json',
    '{\n"http": {},\n}',
    '2:11: after this comma nothing follows before "}" — remove the comma',
  ],
  [
    'a comment',
    'w.json',
    '{\n// no\n"http": {}}',
    '2:1: JSON has no comments — remove it, or write the configuration in TOML or YAML, which have comments',
  ],
  ['a word without quotes', 'w.json', '{\n"data_dir":\nhere\n}', '3:1: text stands in double quotes — write "here"'],
  [
    'a word without quotes in a longer text',
    'w.json',
    `{\n"data_dir": "${'x'.repeat(40)}",\n"http": no,\n"recording": {}}`,
    '3:9: "no" is unknown here — write false, or "…" around text',
  ],
  [
    'an end too early',
    'w.json',
    '{\n"http": ',
    '1:1: the brace "{" here is not closed — write "}" before the end of the file',
  ],
  ['a list at the root', 'w.json', '[]', '1:1: there are no keys in it — write { … } around them'],
];

for (const [title, file, text, message] of mistakes) {
  test(`mistake in ${file.slice(2)}: ${title}`, () => {
    const { config, errors } = read(file, text);
    assert.equal(config, undefined);
    assert.deepEqual(errors.map(formatConfigMessage), [`${file}:${message}`]);
  });
}

test('aliases that unfold to gigabytes are refused', () => {
  const levels = 'abcdefghi'.split('').map((name, i, all) => {
    const before = all[i - 1];
    return `${name}: &${name} [${before ? Array(9).fill(`*${before}`).join(', ') : '1, 1, 1, 1, 1, 1, 1, 1, 1'}]`;
  });
  assert.match(read('w.yaml', levels.join('\n')).errors[0]?.text ?? '', /alias/i);
});
