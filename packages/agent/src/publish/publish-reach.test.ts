import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAgentConfig } from '../config/read-config.ts';
import { reachOf } from '../config/remote-changes.ts';
import { publishRefusal, publishTarget } from './publish-reach.ts';

const agent = { tunnel_server_url: ['wss://Watch.example/tunnel', 'ws://[2001:db8::1]:8080/tunnel'] };
const file = {
  agent,
  cameras: [{ name: 'gate', host: '10.0.0.20', ports: [80] }],
  tunnel: { targets: ['10.0.0.30:8554', 'nas:*'] },
  publish: [{ camera: 'gate', url: 'rtmp://media.example/live/gate?key=1' }],
};
const read = (value: object) => readAgentConfig(value, { file: 'agent.json', stateDir: '/s' });
const local = read(file);

const cases: [url: string, allowed: boolean, why: string][] = [
  ['rtsp://watch.example/live/x', true, 'the server'],
  ['rtmps://WATCH.EXAMPLE:12345/live/x', true, 'the server, any port and case'],
  ['rtsp://[2001:db8::1]:554/x', true, 'the other address of the server'],
  ['rtsp://[2001:db8::2]:554/x', false, 'a neighbour of it'],
  ['rtsp://watch.example.evil.example/x', false, 'a name that begins like the server’s'],
  ['rtsp://evil.watch.example/x', false, 'a name that ends like the server’s'],
  ['rtsp://10.0.0.30:8554/x', true, 'a target'],
  ['rtsp://10.0.0.30/x', false, 'another port of a target'],
  ['rtmp://nas:22/live/x', true, 'a target with all ports'],
  ['rtsp://10.0.0.20/x', true, 'the port of a camera'],
  ['rtsp://10.0.0.20:80/x', true, 'a port of a camera that is named besides'],
  ['rtmp://10.0.0.20/live/x', false, 'a port of a camera that is not'],
  ['rtmp://media.example/live/other?key=2', true, 'where the file publishes to, whatever the stream'],
  ['rtmp://media.example:1935/live/gate', true, 'the same, its port written out'],
  ['rtsp://media.example:1935/live/gate', true, 'the same port, another protocol'],
  ['rtmp://media.example:6379/live/gate', false, 'another port of it'],
  ['rtmp://10.0.0.1/live/x', false, 'another machine of the network'],
  ['rtsp://127.0.0.1:22/x', false, 'the agent’s own machine'],
  ['rtsp://watch.example@10.0.0.1/x', false, 'the server as a user name'],
  ['rtsp://u:p@10.0.0.1/x@watch.example/y', true, 'a password with a slash: the host is the last'],
  ['rtsp://watch.example/x@10.0.0.1/y', true, 'an at sign in the path'],
  ['rtsp://167772161/x', false, '10.0.0.1 as one number'],
];
for (const [url, allowed, why] of cases)
  test(`from afar ${url} is ${allowed ? 'taken' : 'refused'}: ${why}`, () => {
    const next = read({ ...file, publish: [{ camera: 'gate', url }] });
    const refusal = reachOf(next, local, () => true);
    assert.equal(refusal?.code, allowed ? undefined : 'AGENT_PUBLISH_NOT_ALLOWED');
    const { host, port } = publishTarget(next.publish[0]!.url);
    if (refusal) assert.match(refusal.message, /publish there in agent\.json, or add it to tunnel\.targets/);
    if (refusal)
      assert.ok(refusal.message.includes(`${host.includes(':') ? `[${host}]` : host}:${port} `), refusal.message);
  });

test('one address that is refused is enough, and what servers found or added counts for nothing', () => {
  const next = read({
    ...file,
    cameras: [...file.cameras, { name: 'found', host: '10.0.0.21' }],
    publish: [...file.publish, { camera: 'gate', url: 'rtsp://10.0.0.21/x' }],
  });
  assert.equal(reachOf(next, local, () => true)?.code, 'AGENT_PUBLISH_NOT_ALLOWED');
});

test('what the file itself publishes needs no leave, whatever the host', () => {
  for (const url of ['rtsp://10.9.9.9:1/x', 'rtmps://other.example/live/x']) {
    const own = read({ ...file, publish: [{ camera: 'gate', url }] });
    assert.equal(
      reachOf(own, own, () => false),
      undefined,
    );
    assert.equal(publishRefusal(url, own), undefined);
  }
});

test('an agent without cameras, which offers port 554 of its machine, publishes no further than that', () => {
  const bare = read({ agent, discovery: { enabled: false } });
  assert.equal(publishRefusal('rtsp://127.0.0.1/x', bare), undefined);
  assert.equal(publishRefusal('rtsp://127.0.0.1:8554/x', bare)?.kind, 'forbidden');
});
