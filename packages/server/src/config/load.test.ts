import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { formatConfigMessage, loadConfig, readConfig, readConfigText } from './load.ts';
import type { ConfigSection } from './types.ts';
import { duration } from './values.ts';

const sections: ConfigSection[] = [
  {
    name: 'rtsp',
    schemes: ['rtsp'],
    checkSource: ({ url }) => {
      if (/#odd=/.test(url)) throw new Error('there is no option "odd" — leave it out');
    },
    later: ['rtp_port_range'],
    schema: z.strictObject({ transport: z.array(z.enum(['tcp', 'udp'])).default(['tcp']) }),
  },
  { name: 'hls', schema: z.strictObject({ segment_duration: duration({ min: 1 }).default(2) }) },
];
const read = (text: string, environment = {}) =>
  readConfigText(text, sections, { file: '/etc/wp/w.toml', environment });
const camera = (lines: string) => `[[cameras]]\nname = "gate"\nurl = "rtsp://192.0.2.1/a"\n${lines}`;

test('an empty file means the defaults', () => {
  const { config, errors, warnings } = read('');
  assert.deepEqual([errors, warnings], [[], []]);
  assert.deepEqual(config, {
    dataDir: '/etc/wp/data',
    http: { bind: { host: '0.0.0.0', port: 8080 } },
    auth: { mode: 'required', hosts: [] },
    protocols: { enabled: ['rtsp', 'hls'], sections: { rtsp: { transport: ['tcp'] }, hls: { segment_duration: 2 } } },
    recording: {
      enabled: true,
      segmentDurationSeconds: 60,
      retentionDays: 7,
      reconnectDelaySeconds: 5,
      preRollSeconds: 5,
      postRollSeconds: 10,
      maxEventSeconds: 300,
    },
    storage: {
      policy: 'primary_backup',
      backends: [
        { type: 'local', name: 'local', basePath: '/etc/wp/data/video', retentionDays: 7, minFree: { percent: 5 } },
      ],
    },
    cameras: [],
    sections: {},
  });
});

test('every value reaches the program in its own units', () => {
  const { config, errors } = read(
    `data_dir = "/srv/wp"
    [http]
    bind = "[::1]:8081"
    tls = { cert = "server.pem", key = "/srv/server.key" }
    [recording]
    segment_duration = "5m"
    reconnect_delay = "250ms"
    retention_days = 30
    [protocols.hls]
    segment_duration = "3s"
    [[storage.backends]]
    name = "ssd"
    base_path = "video"
    max_bytes = "2TB"
    min_free = "20GB"
    [[cameras]]
    name = "gate"
    title = "Ворота"
    urls = ["rtsp://a:b@192.0.2.1/1", "rtsp://192.0.2.2/1"]
    sub_url = "rtsp://192.0.2.1/2"
    username = "admin"
    password = "\${PW}"
    on_demand = true`,
    { PW: 'p#s@s/w?rd' },
  );
  assert.deepEqual(errors, []);
  assert.equal(config?.dataDir, '/srv/wp');
  assert.deepEqual(config?.http, {
    bind: { host: '::1', port: 8081 },
    tls: { certFile: '/etc/wp/server.pem', keyFile: '/srv/server.key' },
  });
  assert.deepEqual(config?.recording, {
    enabled: true,
    segmentDurationSeconds: 300,
    retentionDays: 30,
    reconnectDelaySeconds: 0.25,
    preRollSeconds: 5,
    postRollSeconds: 10,
    maxEventSeconds: 300,
  });
  assert.deepEqual(config?.protocols.sections['hls'], { segment_duration: 3 });
  assert.deepEqual(config?.storage.backends, [
    {
      type: 'local',
      name: 'ssd',
      basePath: '/etc/wp/video',
      retentionDays: 30,
      maxBytes: { bytes: 2e12 },
      minFree: { bytes: 2e10 },
    },
  ]);
  const login = { username: 'admin', password: 'p#s@s/w?rd' };
  const address = (host: string, path: string) => ({
    scheme: 'rtsp',
    url: `rtsp://${host}${path}`,
    host,
    path,
    ...login,
  });
  assert.deepEqual(config?.cameras, [
    {
      id: 'gate',
      title: 'Ворота',
      sources: [address('192.0.2.1', '/1'), address('192.0.2.2', '/1')],
      subSource: address('192.0.2.1', '/2'),
      record: false,
      push: [],
      onDemand: true,
    },
  ]);
});

test('the second quality takes the login from the address of the first, on the same device only', () => {
  const logins = ['192.0.2.1', '192.0.2.9', 'x:y@192.0.2.1'].map((host) => {
    const { config } = read(`[[cameras]]\nname = "a"\nurl = "rtsp://u:p@192.0.2.1/1"\nsub_url = "rtsp://${host}/2"`);
    const sub = config?.cameras[0]?.subSource;
    return [sub?.username, sub?.password];
  });
  assert.deepEqual(logins, [
    ['u', 'p'],
    [undefined, undefined],
    ['x', 'y'],
  ]);
});

const mistakes: [title: string, text: string, message: string][] = [
  [
    'a certificate without its key',
    '[http]\ntls = { cert = "server.pem" }',
    'w.toml:2: http.tls.key: is missing — write key = …',
  ],
  [
    'a key of TLS misspelt',
    '[http]\ntls = { cert = "a", key = "b", kee = "c" }',
    'w.toml:2: http.tls.kee: there is no such key — did you mean "key"?',
  ],
  ['a key misspelt', '[http]\nbnd = ":1"', 'w.toml:2: http.bnd: there is no such key — did you mean "bind"?'],
  [
    'a section misspelt',
    '\n[recordings]\nenabled = true',
    'w.toml:2: recordings: there is no such section — did you mean "recording"?',
  ],
  [
    'a key of a protocol misspelt',
    '[protocols.rtsp]\ntrasport = ["tcp"]',
    'w.toml:2: protocols.rtsp.trasport: there is no such key — did you mean "transport"?',
  ],
  [
    'a key at the wrong place',
    'bind = ":1"',
    'w.toml:1: bind: there is no such key — there is http.bind: write it below [http]',
  ],
  [
    'a port too large',
    '[http]\nbind = "0.0.0.0:99999"',
    'w.toml:2: http.bind: "0.0.0.0:99999" is not an address to listen on — write it as "0.0.0.0:8080" or "[::]:8080"',
  ],
  [
    'a word misspelt',
    '[auth]\nmode = "requierd"',
    'w.toml:2: auth.mode: "requierd" is unknown — did you mean "required"? it may be "required" or "none"',
  ],
  [
    'a number in quotes',
    '[recording]\nretention_days = "7"',
    'w.toml:2: recording.retention_days: "7" must be a number — write retention_days = 7, without quotes',
  ],
  [
    'yes for true',
    '[recording]\nenabled = "no"',
    'w.toml:2: recording.enabled: "no" must be true or false — write enabled = false',
  ],
  [
    'a duration in words',
    '[recording]\nsegment_duration = "1 hour"',
    'w.toml:2: recording.segment_duration: "1 hour" is not a duration — did you mean "1h"?',
  ],
  [
    'a duration out of range',
    '[recording]\nsegment_duration = "2h"',
    'w.toml:2: recording.segment_duration: "2h" is out of range — it may be 1 to 3600 seconds',
  ],
  [
    'a word for a list',
    '[protocols.rtsp]\ntransport = "udp"',
    'w.toml:2: protocols.rtsp.transport: "udp" must be a list — write transport = ["udp"]',
  ],
  [
    'one bracket for two',
    '[cameras]\nname = "a"',
    'w.toml:1: cameras: is one table — write [[cameras]] with two brackets, once for each',
  ],
  [
    'an address without colon',
    '[[cameras]]\nname = "a"\nurl = "rtsp//h/x"',
    'w.toml:3: cameras[0].url: "rtsp//h/x" is not a URL — did you mean "rtsp://h/x"?',
  ],
  [
    'a scheme misspelt',
    '[[cameras]]\nname = "a"\nurl = "rstp://h/x"',
    'w.toml:3: cameras[0].url: "rstp://" is not a scheme of any protocol — did you mean "rtsp://"?',
  ],
  [
    'a name with spaces',
    '[[cameras]]\nname = "Front Gate"\nurl = "rtsp://h/x"',
    'w.toml:2: cameras[0].name: "Front Gate" cannot be part of an address — use a-z, 0-9, "_" and "-" (such as "front-gate"); any other text goes into title',
  ],
  [
    'a name twice',
    `${camera('')}${camera('')}`,
    'w.toml:5: cameras[1].name: "gate" is taken by cameras[0] — use another, such as "gate-2"',
  ],
  ['no address', '[[cameras]]\nname = "a"', 'w.toml:1: cameras[0]: has no address — write url = "rtsp://HOST/PATH"'],
  [
    'two kinds of address',
    camera('urls = ["rtsp://h/x"]'),
    'w.toml:4: cameras[0].urls: stands beside url — put all addresses into urls, the preferred one first',
  ],
  [
    'an option of a source that there is not',
    camera('sub_url = "rtsp://h/y#odd=1"'),
    'w.toml:4: cameras[0].sub_url: there is no option "odd" — leave it out',
  ],
  [
    'an option of a further source that there is not',
    '[[cameras]]\nname = "a"\nurls = ["rtsp://h/x", "rtsp://h/y#odd=1"]',
    'w.toml:3: cameras[0].urls[1]: there is no option "odd" — leave it out',
  ],
  [
    'an option of a target that there is not',
    camera('push = ["rtsp://h/x", "rtsp://h/y#odd=1"]'),
    'w.toml:4: cameras[0].push[1]: there is no option "odd" — leave it out',
  ],
  [
    'a password that is a number',
    camera('password = 12345'),
    'w.toml:4: cameras[0].password: the value must be text — put it in quotes',
  ],
  [
    'a variable that is not set',
    camera('password = "${NO}"'),
    'w.toml:4: cameras[0].password: the environment variable NO is not set — export NO=… before starting; a plain "${" is written "$${"',
  ],
  ['text without quotes', 'data_dir = ./data', 'w.toml:1:12: text stands in quotes — write data_dir = "./data"'],
  [
    'YAML',
    'data_dir: ./data',
    'w.toml:1:9: this looks like YAML — write data_dir = …, or name the file watchpost.yaml',
  ],
];

for (const [title, text, message] of mistakes) {
  test(`mistake: ${title}`, () => {
    const { config, errors } = read(text);
    assert.equal(config, undefined);
    assert.deepEqual(errors.map(formatConfigMessage), [`/etc/wp/${message}`]);
  });
}

test('all mistakes are found at once, in the order of the file', () => {
  const { errors } = read(
    `[auth]\nmode = "x"\n[http]\nbnd = 1\n${camera('record = 1\nbogus = 2')}\n[[cameras]]\nname = "gate"`,
  );
  assert.deepEqual(
    errors.map(({ line, key }) => [line, key]),
    [
      [2, 'auth.mode'],
      [4, 'http.bnd'],
      [8, 'cameras[0].record'],
      [9, 'cameras[0].bogus'],
      [10, 'cameras[1]'],
      [11, 'cameras[1].name'],
    ],
  );
});

test('what the platform documents and this build lacks is a warning, and the rest counts', () => {
  const { config, errors, warnings } = read(`[storage]
policy = "tiered"
[[storage.backends]]
type = "s3"
name = "cloud"
[[storage.backends]]
name = "disk"
base_path = "v"
[protocols]
enabled = ["rtsp", "srt"]
[protocols.srt]
bind = ":8890"
[protocols.rtsp]
rtp_port_range = "1-2"
[[cameras]]
name = "a"
url = "srt://192.0.2.1:1"`);
  assert.deepEqual(errors, []);
  assert.deepEqual(
    warnings.map(({ line, key }) => [line, key]),
    [
      [2, 'storage.policy'],
      [4, 'storage.backends[0].type'],
      [10, 'protocols.enabled[1]'],
      [11, 'protocols.srt'],
      [14, 'protocols.rtsp.rtp_port_range'],
      [17, 'cameras[0].url'],
    ],
  );
  assert.deepEqual(config?.protocols.enabled, ['rtsp']);
  assert.deepEqual(
    config?.storage.backends.map(({ name }) => name),
    ['disk'],
  );
});

test('a protocol that is misspelt is a mistake, not one that this build lacks', () => {
  const { errors } = read('[protocols]\nenabled = ["rtps", "srt"]\n[protocols.rtps]\nbind = ":8554"');
  assert.deepEqual(
    errors.map(({ line, key, cure }) => [line, key, cure]),
    [
      [2, 'protocols.enabled[0]', 'did you mean "rtsp"?'],
      [3, 'protocols.rtps', 'did you mean "rtsp"?'],
    ],
  );
});

test('backends do not share names or folders, and may be limited to a share of their disk', () => {
  const backend = (name: string, path: string) => `[[storage.backends]]\nname = "${name}"\nbase_path = "${path}"\n`;
  const errorsOf = (text: string) => read(text).errors.map(({ line, key, text: said }) => [line, key, said]);
  const taken = '"a" is taken by storage.backends[0]';
  assert.deepEqual(errorsOf(backend('a', 'x') + backend('a', 'y')), [[5, 'storage.backends[1].name', taken]]);
  const shared = [[6, 'storage.backends[1].base_path', 'shares a folder with storage.backends[0]']];
  assert.deepEqual(errorsOf(backend('a', 'x') + backend('b', './x/')), shared);
  assert.deepEqual(errorsOf(backend('a', 'x') + backend('b', 'x/inner')), shared);
  assert.deepEqual(errorsOf(backend('a', 'x/y') + backend('b', 'x')), shared);
  assert.deepEqual(errorsOf(backend('a', 'x') + backend('b', 'xy')), []);
  const { config } = read(`${backend('a', 'x')}max_bytes = "50%"`);
  assert.deepEqual(config?.storage.backends[0]?.maxBytes, { percent: 50 });
  assert.match(read(`${backend('a', 'x')}max_bytes = "1MB"`).errors[0]!.text, /too small/);
});

test('older files are translated, and mistakes in them are named where they stand', () => {
  const { config, errors, warnings } = read(
    '[video.recording]\nsegment_duration = "2m"\n[media.hls]\nsegment_duration = 4\n[flv]\nenable = false',
  );
  assert.deepEqual(errors, []);
  assert.equal(config?.recording.segmentDurationSeconds, 120);
  assert.deepEqual(config?.protocols.sections['hls'], { segment_duration: 4 });
  assert.deepEqual(
    warnings.map(({ line, text }) => [line, text]),
    [
      [1, 'older spelling: [video.recording] is [recording] now'],
      [3, 'older spelling: [media.hls] is [protocols.hls] now'],
      [5, 'older spelling: [flv] is [protocols.flv] now'],
      [5, 'this build has no protocol "flv"; the section is left out'],
      [6, 'older spelling: flv.enable = false is protocols.enabled without "flv" now'],
    ],
  );
  const wrong = read('[video.recording]\nsegment_duration = "long"').errors[0];
  assert.deepEqual([wrong?.line, wrong?.key], [2, 'video.recording.segment_duration']);
});

test('a laboratory without login is told what that means', () => {
  assert.equal(read('[auth]\nmode = "none"').warnings[0]?.key, 'auth.mode');
});

test('a media_dir that is not there is a warning with the cure, and no refusal', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'watchpost-media-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'film.mp4'), '');
  const told = (name: string) => {
    const { config, warnings } = read(`media_dir = "${join(folder, name)}"`);
    assert.equal(config?.mediaDir, join(folder, name));
    return warnings.map(formatConfigMessage);
  };
  const cure = 'until then no file: camera plays: make the folder, mount its disk, or name another';
  const warning = (text: string) => [`/etc/wp/w.toml:1: media_dir: ${text} — ${cure}`];
  assert.deepEqual(told('.'), []);
  assert.deepEqual(told('missing'), warning(`there is no folder ${folder}/missing`));
  assert.deepEqual(told('film.mp4'), warning(`${folder}/film.mp4 is no folder`));
});

test('a file that cannot be read is named with the cure', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'watchpost-config-'));
  t.after(() => rm(folder, { recursive: true }));
  const first = async (file: string) => (await readConfig(file, sections)).errors.map(({ text }) => text);
  assert.deepEqual(await first(join(folder, 'none.toml')), ['there is no such file']);
  assert.deepEqual(await first(folder), ['is a folder']);
  const file = join(folder, 'w.toml');
  await writeFile(file, 'data_dir = "d"\n[http]\nbnd = 1');
  await assert.rejects(loadConfig(file, sections), { code: 'CONFIG_INVALID', message: /w\.toml:3: http\.bnd/ });
  await writeFile(file, 'data_dir = "d"');
  assert.equal((await loadConfig(file, sections)).config.dataDir, join(folder, 'd'));
});
