import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatConfigMessage, loadConfig, readConfig, readConfigText } from './load.ts';

/** What people leave out, put in or mix up, and what they are told: line, column, what is wrong, what to do. */
const mistakes: readonly [file: string, text: string, message: string][] = [
  ['w.toml', '[recording]\nenabled = True\n', '2:11: "True" is unknown — write enabled = true'],
  [
    'w.toml',
    '[protocols]\nenabled = ["rtsp" "hls"]\n',
    '2:19: a comma is missing between two values — write , before what stands here',
  ],
  [
    'w.toml',
    'data_dir = "a\u0001b"\n',
    '1:14: a character that cannot be seen stands here — remove it; within quotes a tab is \\t',
  ],
  ['w.toml', 'data_dir = “x”\n', '1:12: these quotes are those of a word processor — write plain ones: "'],
  [
    'w.toml',
    'имя = "x"\n',
    '1:1: this is no key — keys have letters a-z, digits, _ and - only; a comment begins with #, a section is [NAME]',
  ],
  [
    'w.toml',
    '[http]\nbind = ":1"\nbind = ":2"\n',
    '3:1: the key bind stands here for the second time (first in line 2) — keep one of them',
  ],
  [
    'w.toml',
    '[http]\nbind = ":1"\n[auth]\nmode="none"\n[http]\nbind = ":2"\n',
    '5:2: the section [http] stands here for the second time (first in line 1) — put all of its keys below one',
  ],
  ['w.toml', '[recording]\nsegment_duration = 5m\n', '2:21: text stands in quotes — write segment_duration = "5m"'],
  ['w.toml', '{\n"http": {}\n}\n', '1:1: this looks like JSON — name the file watchpost.json'],
  ['w.toml', 'data dir = "x"\n', '1:6: a key has no spaces — write data_dir = …'],
  [
    'w.toml',
    '[recording]\nretention_days = 07\n',
    '2:18: a number begins with no zero — leave it out, or put text in quotes: retention_days = "07"',
  ],
  ['w.toml', '[http\nbind = ":1"\n', '1:6: the bracket of this section is not closed — write [http]'],
  ['w.toml', '[[cameras]\nname = "a"\n', '1:11: two brackets open here and one closes — write [[cameras]]'],
  [
    'w.toml',
    '[protocols]\nenabled = ["rtsp", "hls"\n\n[http]\nbind = ":1"\n',
    '2:11: the "[" here is not closed — write "]" before line 4',
  ],
  [
    'w.toml',
    '[http]\ntls = { cert = "a", key = "b"\n[auth]\nmode="none"\n',
    '2:7: the "{" here is not closed — write "}" before line 3',
  ],
  ['w.toml', 'http]\nbind = ":1"\n', '1:5: the bracket of this section is not opened — write [http]'],
  ['w.toml', 'data_dir = x"\n', '1:12: text stands in quotes — write data_dir = "x"'],
  ['w.toml', '[http]\nbind = 0.0.0.0:8080\n', '2:11: text stands in quotes — write bind = "0.0.0.0:8080"'],
  ['w.toml', 'data_dir "x"\n', '1:10: there is no = between key and value — write data_dir = "x"'],
  ['w.toml', 'data_dir =\n[http]\n', '1:11: the key data_dir has no value — write one after the =, or remove the line'],
  ['w.toml', '; comment\ndata_dir = "x"\n', '1:1: a comment does not begin with ; — write # before it'],
  ['w.toml', "data_dir = 'x\n", "1:12: the quote that begins here is not closed — write ' at the end of the text"],
  ['w.toml', '// comment\ndata_dir = "x"\n', '1:1: a comment does not begin with // — write # before it'],
  ['w.toml', 'data_dir = "x";\n', '1:15: a value does not end with ";" — remove it'],
  ['w.toml', 'data_dir = "x",\n', '1:15: a value does not end with "," — remove it'],
  [
    'w.toml',
    'data_dir = """x\n[http]\n',
    '1:12: the quote that begins here is not closed — write """ at the end of the text',
  ],
  ['w.toml', 'data_dir = "x" mode = "y"\n', '1:16: each key has a line of its own — begin a new line here'],
  [
    'w.toml',
    'data_dir = "x\n[http]\nbind = ":1"\n',
    '1:12: the quote that begins here is not closed — write " at the end of the text',
  ],
  [
    'w.toml',
    '[http]\nbind = "127.0.0.1:8080\n',
    '2:8: the quote that begins here is not closed — write " at the end of the text',
  ],
  [
    'w.toml',
    'data_dir = "C:\\Users\\x"\n',
    "1:17: a backslash has a meaning of its own between double quotes — write single quotes around the text ('C:\\video'), or each backslash twice",
  ],
  ['w.toml', 'cameras:\n- name: a\n', '1:8: this looks like YAML — write [[cameras]], or name the file watchpost.yaml'],
  ['w.toml', 'http:\n  bind: ":1"\n', '1:5: this looks like YAML — write [http], or name the file watchpost.yaml'],
  ['w.toml', '[recording]\nenabled = yes\n', '2:11: "yes" is unknown — write enabled = true'],
  [
    'w.yaml',
    'cameras:\n  - name: a\n    password: @abc\n    url: rtsp://h/x\n',
    '3:15: text that begins with "@" stands in quotes — write password: "@…"',
  ],
  [
    'w.yaml',
    'cameras:\n  - name: a\n    title: Gate: main\n    url: rtsp://h/x\n',
    '3:12: a colon with a space after it begins a value of its own — put the text in quotes: title: "Gate: main"',
  ],
  [
    'w.yaml',
    'http:\n  bind: ":1"\n  bind: ":2"\n',
    '3:3: the key bind stands here for the second time — keep one of them',
  ],
  [
    'w.yaml',
    'data_dir: "C:\\Users\\x"\n',
    "1:14: a backslash has a meaning of its own between double quotes — write single quotes around the text ('C:\\video'), or each backslash twice",
  ],
  [
    'w.yaml',
    'http:\n  bind: ":1"\n   tls: x\n',
    '3:4: this line is indented otherwise than those it belongs to — begin it in the same column as the keys beside it',
  ],
  [
    'w.yaml',
    'cameras:\n  - name: a\n   url: rtsp://h/x\n',
    '3:4: this line is indented otherwise than those it belongs to — begin it in the same column as the keys beside it',
  ],
  [
    'w.yaml',
    'cameras:\n  - name: a\n    url: rtsp://h/x\n - name: b\n',
    '4:2: this line is indented otherwise than those it belongs to — begin it in the same column as the keys beside it',
  ],
  [
    'w.yaml',
    'recording:\n    enabled: true\n  retention_days: 3\n',
    '3:3: this line is indented otherwise than those it belongs to — begin it in the same column as the keys beside it',
  ],
  [
    'w.yaml',
    '- data_dir: x\n',
    '1:1: the file is a list, and must be keys with values — remove the "- " before the keys',
  ],
  [
    'w.yaml',
    'protocols:\n  enabled: [rtsp, hls\nhttp:\n  bind: ":1"\n',
    '2:12: the "[" here is not closed — write "]" before line 3',
  ],
  ['w.yaml', 'http: { bind: ":1"\nauth:\n  mode: none\n', '1:7: the "{" here is not closed — write "}" before line 2'],
  ['w.yaml', 'http\n  bind: ":1"\n', '1:1: this is no key with a value — write a colon after the key: "http:"'],
  ['w.yaml', 'data_dir:x\n', '1:1: there is no space after the colon — write "data_dir: …"'],
  [
    'w.yaml',
    'cameras:\n  - name: a\n    password: %abc\n    url: rtsp://h/x\n',
    '3:15: text that begins with "%" stands in quotes — write password: "%…"',
  ],
  [
    'w.yaml',
    'data_dir: "x" y\n',
    '1:15: this stands after the end of the value — put the whole value in quotes, or remove this',
  ],
  [
    'w.yaml',
    'cameras:\n  - name: a\n    password: *abc\n    url: rtsp://h/x\n',
    '3:15: *… repeats what is marked &… above, and nothing is — text that begins with * stands in quotes: "*…"',
  ],
  [
    'w.yaml',
    'http:\n\tbind: ":1"\n',
    '2:1: a tab stands at the beginning of the line, and YAML is indented with spaces — write spaces in its place',
  ],
  [
    'w.yaml',
    'http:\n  tls:\n\t  cert: a\n',
    '3:1: a tab stands at the beginning of the line, and YAML is indented with spaces — write spaces in its place',
  ],
  [
    'w.yaml',
    'cameras:\n  - name: a\n    password: !abc\n    url: rtsp://h/x\n',
    '3:15: text that begins with "!" stands in quotes — write password: "!…"',
  ],
  ['w.yaml', '[http]\nbind = ":1"\n', '2:1: this looks like TOML — name the file watchpost.toml'],
  [
    'w.yaml',
    'data_dir: x\n---\ndata_dir: y\n',
    '2:1: a second document begins here — remove the line ---, and what follows if it is not meant',
  ],
  [
    'w.yaml',
    'data_dir: "x\nhttp:\n  bind: ":1"\n',
    '1:11: the quote that begins here is not closed — write " at the end of the text',
  ],
  [
    'w.yaml',
    'http:\n  bind: ":1\nauth:\n  mode: none\n',
    '2:9: the quote that begins here is not closed — write " at the end of the text',
  ],
  [
    'w.json',
    '{\n// hi\n"data_dir": "x"\n}\n',
    '2:1: JSON has no comments — remove it, or write the configuration in TOML or YAML, which have comments',
  ],
  [
    'w.json',
    '{\n"data_dir": "x" // hi\n}\n',
    '2:17: JSON has no comments — remove it, or write the configuration in TOML or YAML, which have comments',
  ],
  [
    'w.json',
    '{\n"data_dir": "x" # hi\n}\n',
    '2:17: JSON has no comments — remove it, or write the configuration in TOML or YAML, which have comments',
  ],
  [
    'w.json',
    '{\n"data_dir": "x" /* hi */\n}\n',
    '2:17: JSON has no comments — remove it, or write the configuration in TOML or YAML, which have comments',
  ],
  ['w.json', '{\n“data_dir”: "x"\n}\n', '2:1: these quotes are those of a word processor — write "data_dir": …'],
  [
    'w.json',
    '{\n"data_dir": "x",\n"data_dir": "y"}\n',
    '3:1: the key "data_dir" stands here for the second time — keep one of them',
  ],
  [
    'w.json',
    '{\n"recording": {"segment_duration": 5m}\n}\n',
    '2:35: this is not a number — text stands in quotes: "5m"',
  ],
  ['w.json', '', '1:1: the file is empty — write {}, which means the defaults'],
  [
    'w.json',
    '{\n"data_dir" = "x"\n}\n',
    '2:12: a colon must stand between the key "data_dir" and its value — write "data_dir": …',
  ],
  [
    'w.json',
    '{\n"data_dir": "C:\\Users"\n}\n',
    '2:16: a backslash has a meaning of its own within quotes — write it twice (\\\\), or / in names of files',
  ],
  [
    'w.json',
    '{\n"data_dir": "x"\n}}\n',
    '3:2: the bracket "}" closes nothing — remove it, or write the one that opens it',
  ],
  [
    'w.json',
    '{\n"recording": {"retention_days": 07}\n}\n',
    '2:33: a number begins with no zero — leave the zero out, or put text in quotes',
  ],
  [
    'w.json',
    '{\n"http": {"bind": ":1"\n}\n',
    '1:1: the brace "{" here is not closed — write "}" before the end of the file',
  ],
  [
    'w.json',
    '{\n"cameras": [{"name": "a", "url": "rtsp://h/x"}\n}\n',
    '2:12: the bracket "[" here is not closed — write "]" before line 3',
  ],
  [
    'w.json',
    '"data_dir": "x"\n}\n',
    '1:11: the value of the whole file has ended before this — write { before the first key and } after the last',
  ],
  ['w.json', '{\n"data_dir" "x"\n}\n', '2:12: a colon must stand between the key "data_dir" and its value'],
  [
    'w.json',
    '{\n"data_dir": "x"\n"http": {}\n}\n',
    '2:16: a comma is missing here, before what follows — write , between two values',
  ],
  ['w.json', '{\n"data_dir": x"\n}\n', '2:13: text stands in double quotes — write "x"'],
  ['w.json', '{\ndata_dir: "x"\n}\n', '2:1: a key stands in double quotes — write "data_dir": …'],
  [
    'w.json',
    '{\n"data_dir: "x"\n}\n',
    '2:1: the quote that begins here is not closed before the colon — write "data_dir": …',
  ],
  ['w.json', 'null\n', '1:1: there are no keys in it — write { … } around them'],
  ['w.json', '3\n', '1:1: there are no keys in it — write { … } around them'],
  ['w.json', "{\n'data_dir': 'x'\n}\n", '2:1: JSON knows double quotes only — write "data_dir": …'],
  ['w.json', 'data_dir = "x"\n', '1:1: this looks like TOML — name the file watchpost.toml'],
  ['w.json', '{\n"data_dir": "x",\n}\n', '2:16: after this comma nothing follows before "}" — remove the comma'],
  [
    'w.json',
    '{\n"protocols": {"enabled": ["rtsp",]}\n}\n',
    '2:33: after this comma nothing follows before "]" — remove the comma',
  ],
  [
    'w.json',
    '{\n"data_dir": "x\n}\n',
    '2:13: the quote that begins here is not closed on this line — write " at the end of the text',
  ],
  [
    'w.json',
    '{\n"data_dir": "x",\n"a": "http://h"\n',
    '1:1: the brace "{" here is not closed — write "}" before the end of the file',
  ],
];

for (const [file, text, message] of mistakes)
  test(`${file.slice(2)}: ${JSON.stringify(text)} is told in words, with its place`, () => {
    const { config, errors } = readConfigText(text, [], { file, environment: {} });
    assert.equal(config, undefined);
    assert.deepEqual(errors.map(formatConfigMessage), [`${file}:${message}`]);
  });

test('a password is repeated neither in the message nor in the excerpt', () => {
  const cases: readonly [file: string, text: string][] = [
    ['w.toml', '[[cameras]]\npassword = hunter2\n'],
    ['w.toml', '[[cameras]]\npassword hunter2\n'],
    ['w.toml', '[[cameras]]\npassword = "hunter2\n'],
    ['w.toml', '[[cameras]]\npassword = 0123\n'],
    ['w.toml', '[[cameras]]\nurl = rtsp://admin:hunter2@192.0.2.1/a\n'],
    ['w.yaml', 'cameras:\n  - password: "hunter2\n'],
    ['w.yaml', 'cameras:\n  - password: *hunter2\n'],
    ['w.yaml', 'cameras:\n  - password: @hunter2\n'],
    ['w.json', '{"cameras": [{"password": hunter2}]}'],
    ['w.json', '{"cameras": [{"password": 0123}]}'],
    ['w.json', '{"cameras": [{"url": "rtsp://admin:hunter2@192.0.2.1/a}]}'],
  ];
  for (const [file, text] of cases) {
    const { errors } = readConfigText(text, [], { file, environment: {} });
    assert.equal(errors.length, 1, text);
    assert.doesNotMatch(JSON.stringify(errors), /hunter2|0123/, text);
  }
});

test('files that are no text, too large or not there are told by name', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'watchpost-syntax-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'w.toml');
  const first = async (bytes: Uint8Array | string) => {
    await writeFile(file, bytes);
    const [error] = (await readConfig(file, [])).errors;
    return [error?.line, error?.column, error?.text, error?.excerpt];
  };
  assert.deepEqual(await first(Buffer.from('data_dir = "x"\n# K\xfcche', 'latin1')), [
    ...[2, 4, 'a letter here is not in UTF-8 (byte 0xfc)'],
    '  # K\ufffdche\n     ^',
  ]);
  const utf16 = Buffer.from('\ufeffdata_dir = "x"', 'utf16le');
  assert.deepEqual(await first(utf16), [1, 1, 'the file is saved as UTF-16', undefined]);
  assert.deepEqual((await first(utf16.swap16())).slice(0, 3), [1, 1, 'the file is saved as UTF-16']);
  assert.deepEqual((await first('a\n\0b')).slice(0, 2), [2, 1]);
  assert.deepEqual((await first(new Uint8Array(16_000_001).fill(0x23))).slice(2, 3), ['is larger than 16 MB']);
  assert.deepEqual(await first('\ufeffdata_dir = "x"'), [undefined, undefined, undefined, undefined], 'a BOM of UTF-8');
  await mkdir(join(folder, 'd'));
  const [folderError] = (await readConfig(join(folder, 'd/'), [])).errors;
  assert.deepEqual(
    [folderError?.text, folderError?.cure],
    ['is a folder', `name the file in it: -c ${folder}/d/watchpost.toml`],
  );
  const [below] = (await readConfig(join(file, 'w.toml'), [])).errors;
  assert.equal(below?.text, 'there is no such file');
});

test('the error for terminals shows the line and a caret', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'watchpost-syntax-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'w.toml');
  await writeFile(file, '[http]\nbind = "127.0.0.1:8080\n');
  await assert.rejects(loadConfig(file, []), {
    message: `${file}:2:8: the quote that begins here is not closed — write " at the end of the text\n  bind = "127.0.0.1:8080\n         ^`,
  });
});
