import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { nodePlatform } from '../platform/node-platform.ts';
import { ConfigSource } from './config-source.ts';
import { parseJson } from './parse-json.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

test('each key, and each object of a list, has its place', () => {
  const text = '{\n"a": [\n1,\n{"b": {\n"c }": 2}}],\n"d":\n3,\n"e": [[{}]]}';
  assert.deepEqual(Object.fromEntries(parseJson(bytes(text), 'f').places), {
    ...{
      a: 'f:2',
      'a[1]': 'f:4',
      'a[1].b': 'f:4',
      'a[1].b.c }': 'f:5',
      d: 'f:6',
      e: 'f:8',
      'e[0]': 'f:8',
      'e[0][0]': 'f:8',
    },
  });
});

const quotes = 'text and keys stand in double quotes, and a comma or colon between them';
const broken: readonly [name: string, text: string, place: string, cure: string][] = [
  ['a comma before a bracket', '{"a": 1,\n}', '2:1', 'remove the comma before this bracket'],
  ['a comma before a bracket of a list', '{"a": [1,]}', '1:10', 'remove the comma before this bracket'],
  ['text without quotes', '{"a": wss}', '1:7', quotes],
  ['a key without quotes', '{\n  a: 1}', '2:3', quotes],
  ['a comment', '{\n// x\n"a": 1}', '2:1', 'a comment is a key here: "//": "text"'],
  ['a quote that is not closed', '{"a": "x\n}', '1:9', 'close the quote on its line'],
  ['a missing comma', '{"a": 1\n"b": 2}', '2:1', quotes],
  ['a missing colon', '{"a" 1}', '1:6', quotes],
  ['a missing bracket', '{"a": {"b": 1}\n', '2:1', 'it ends too early: close the bracket or quote that is open'],
  ['a bracket too many', '{"a": 1}}', '1:9', 'no bracket of this kind is open'],
  ['a bracket of the other kind', '{"a": [1}}', '1:9', 'no bracket of this kind is open'],
  ['a number with a zero before it', '{"a": 01}', '1:8', quotes],
  ['a word of another language', '{"a": True}', '1:7', quotes],
  ['a backslash', '{"a": "C:\\video"}', '1:11', 'write each backslash twice'],
];
for (const [name, text, place, cure] of broken)
  test(`${name} is told with line and column`, () => {
    assert.throws(() => parseJson(bytes(text), 'agent.json'), {
      code: 'AGENT_CONFIG_INVALID',
      message: `agent.json:${place}: this is not JSON — ${cure}`,
    });
  });

test('a key twice, another encoding and an empty file are told', () => {
  const message = (text: Uint8Array) => {
    try {
      parseJson(text, 'agent.json');
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.equal(message(bytes('{"a": {\n"b": 1,\n"b": 2}}')), 'agent.json:3: a.b is there twice');
  assert.equal(message(bytes('[{"b": 1}, {"b": 2}]')), '');
  for (const text of [bytes(''), new Uint8Array([0xff, 0xfe, 0x7b, 0]), new Uint8Array([0x22, 0xfc, 0x22])])
    assert.equal(message(text), 'agent.json is empty, or not in UTF-8');
});

test('what is wrong with a value is told with its line, or the variable that it comes from', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'watchpost-agent-json-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'agent.json');
  const agent = { tunnel_server_url: 'wss://s.example/tunnel', tokn: 1, proxy: 'ftp://x' };
  const text = JSON.stringify({ agent, cameras: [{ host: 'a' }, { host: 'b', ports: [80, 'x'] }], extra: 1 }, null, 1);
  writeFileSync(file, text);
  const lineOf = (key: string) => text.split('\n').findIndex((line) => line.includes(`"${key}"`)) + 1;
  const wrong = async (environment: Record<string, string>, flags = {}) => {
    const platform = { ...nodePlatform(), environment: (name: string) => environment[name] };
    const said = await new ConfigSource(platform, file, flags).load().then(String, (error) => error.message as string);
    return said
      .replaceAll(file, 'F')
      .split('\n')
      .map((line) => line.split(' ', 2).join(' '));
  };
  assert.deepEqual(
    (await wrong({})).sort(),
    [
      `F:${lineOf('extra')}: extra`,
      `F:${lineOf('ports')}: cameras[1].ports[1]`,
      `F:${lineOf('proxy')}: agent.proxy`,
      `F:${lineOf('tokn')}: agent.tokn`,
    ].sort(),
  );
  assert.ok((await wrong({ WATCHPOST_AGENT_PROXY: 'x' })).includes('WATCHPOST_AGENT_PROXY: agent.proxy'));
  assert.ok((await wrong({}, { serverUrl: 'http://x' })).includes('--server: agent.tunnel_server_url:'));
});
