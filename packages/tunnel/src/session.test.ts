import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { frameType, makeFrame, makeNumberFrame, maxFrameBytes } from './frame.ts';
import { TunnelSession } from './session.ts';
import { agentLimits, announcedLimits, serverLimits } from './session-limits.ts';
import type { Channel, ChannelHandler, LinkLoss, Priority, SessionHandler, SessionLimits, Transport } from './types.ts';

/** Numbers that look random and are the same in each run. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

class Wire implements Transport {
  readonly queue: Uint8Array[] = [];
  isOpen = true;
  holds = false;
  get bufferedBytes(): number {
    return this.queue.reduce((sum, { length }) => sum + length, 0);
  }
  send(message: Uint8Array): void {
    if (this.isOpen) this.queue.push(message);
  }
  close(): void {
    this.isOpen = false;
  }
}

interface End {
  session: TunnelSession;
  wire: Wire;
  opened: { channel: Channel; request: string }[];
  messages: Uint8Array[];
  log: string[];
}

function makeEnd(role: 'agent' | 'server', clock: ManualClock, changes: Partial<SessionLimits> = {}): End {
  const limits = { ...(role === 'agent' ? agentLimits : serverLimits), ...changes };
  const otherLimits = role === 'agent' ? serverLimits : agentLimits;
  const end: End = { wire: new Wire(), opened: [], messages: [], log: [] } as unknown as End;
  const handler: SessionHandler = {
    open: (channel, request) => end.opened.push({ channel, request: Buffer.from(request).toString() }),
    message: (bytes) => end.messages.push(bytes.slice()),
    linkLost: (cause: LinkLoss) => end.log.push(`lost ${cause}`),
    closed: (reason) => end.log.push(`closed ${reason}`),
    goAway: ({ reason, retryAfterMs }) => end.log.push(`go away ${reason} ${retryAfterMs}`),
  };
  end.session = new TunnelSession({
    role,
    clock,
    handler,
    limits,
    peer: announcedLimits(otherLimits, limits.maxChannels),
    graceMs: 60_000,
    defer: (task) => clock.after(0, task),
  });
  return end;
}

class Pair {
  readonly clock = new ManualClock();
  readonly agent: End;
  readonly server: End;
  constructor(changes: { agent?: Partial<SessionLimits>; server?: Partial<SessionLimits> } = {}) {
    this.agent = makeEnd('agent', this.clock, changes.agent);
    this.server = makeEnd('server', this.clock, changes.server);
    this.connect();
  }
  connect(): void {
    this.agent.wire = new Wire();
    this.server.wire = new Wire();
    const [a, s] = [this.agent.session.received, this.server.session.received];
    assert.equal(this.agent.session.attach(this.agent.wire, s), true);
    assert.equal(this.server.session.attach(this.server.wire, a), true);
  }
  cut(): void {
    this.agent.session.lost();
    this.server.session.lost();
  }
  /** Carries all messages; time goes on by a little. */
  settle(ms = 1): void {
    for (let i = 0; i < 10_000; i++) {
      this.clock.advance(i === 0 ? ms : 0);
      const moved = deliver(this.agent, this.server) + deliver(this.server, this.agent);
      if (moved === 0) return;
    }
    assert.fail('the two ends never stop talking');
  }
}

function deliver(from: End, to: End, most = Number.POSITIVE_INFINITY): number {
  let count = 0;
  for (; count < most && from.wire.queue.length > 0; count++) {
    const message = from.wire.queue.shift()!;
    if (to.wire.isOpen) to.session.receive(message);
    if (from.wire.queue.length === 0) from.session.drained();
  }
  return count;
}

/** Collects what comes; consumes it at once unless it is told to stall. */
class Sink implements ChannelHandler {
  readonly hash = createHash('sha256');
  bytes = 0;
  ends = 0;
  drains = 0;
  opens = 0;
  reason: string | undefined;
  stalled = false;
  channel!: Channel;
  opened(): void {
    this.opens++;
  }
  data(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    this.hash.update(bytes);
    if (!this.stalled) this.channel.consume(bytes.length);
  }
  end(): void {
    this.ends++;
  }
  drain(): void {
    this.drains++;
  }
  closed(reason: string): void {
    this.reason = reason;
  }
}

function openPair(pair: Pair, priority: Priority = 'live'): { near: Sink; far: Sink } {
  const near = new Sink();
  near.channel = pair.server.session.open(Buffer.from('{"kind":"tcp"}'), priority, near);
  pair.settle();
  const far = new Sink();
  far.channel = pair.agent.opened.at(-1)!.channel;
  far.channel.accept(far);
  pair.settle();
  return { near, far };
}

test('TS-1: a channel carries bytes both ways, is half-closed, and ends clean', () => {
  const pair = new Pair();
  const { near, far } = openPair(pair);
  assert.equal(near.opens, 1);
  near.channel.write(Buffer.from('DESCRIBE'));
  near.channel.end();
  pair.settle();
  assert.deepEqual([far.bytes, far.ends, far.reason], [8, 1, undefined]);
  far.channel.write(new Uint8Array(100_000));
  far.channel.end();
  pair.settle();
  assert.deepEqual([near.bytes, near.ends, near.reason, far.reason], [100_000, 1, 'clean', 'clean']);
  assert.equal(pair.agent.session.stats.channels + pair.server.session.stats.channels, 0);
});

test('TS-2: no frame is longer than 16 KiB, no message longer than 64 KiB', () => {
  const pair = new Pair();
  const { far } = openPair(pair);
  far.channel.write(new Uint8Array(120_000));
  pair.clock.advance(0);
  let frames = 0;
  for (const message of pair.agent.wire.queue) {
    assert.ok(message.length <= 65_536);
    for (let at = 0; at < message.length; frames++) {
      const length = 8 + message[at + 2]! * 256 + message[at + 3]!;
      assert.ok(length <= maxFrameBytes);
      at += length;
    }
  }
  assert.ok(frames >= 8);
});

test('TS-3: a writer gets no further than the window while nobody consumes, and other channels do not notice', () => {
  const pair = new Pair();
  const stalled = openPair(pair);
  stalled.near.stalled = true;
  const other = openPair(pair);
  for (let i = 0; i < 100; i++) {
    stalled.far.channel.write(new Uint8Array(20_000));
    other.far.channel.write(new Uint8Array(20_000));
    pair.settle();
  }
  assert.equal(stalled.near.bytes, serverLimits.window.initialBytes);
  assert.equal(other.near.bytes, 2_000_000);
  stalled.near.stalled = false;
  stalled.near.channel.consume(stalled.near.bytes);
  pair.settle();
  assert.equal(stalled.near.bytes, 2_000_000);
});

test('TS-4: a bulk writer is asked to wait, and told when to go on', () => {
  const pair = new Pair();
  const { near, far } = openPair(pair, 'bulk');
  near.stalled = true;
  let accepted = 0;
  while (far.channel.write(new Uint8Array(50_000)) && accepted < 1000) accepted++;
  pair.settle();
  assert.ok(accepted < 20);
  assert.equal(far.drains, 0);
  near.stalled = false;
  near.channel.consume(near.bytes);
  pair.settle();
  assert.equal(far.drains, 1);
});

test('TS-4: a live writer waits for a reader that stalls, so that the buffer is left to the others; not for a line that does', () => {
  const pair = new Pair();
  const stalled = openPair(pair);
  stalled.near.stalled = true;
  const other = openPair(pair);
  let accepted = 0;
  for (; accepted < 200 && stalled.far.channel.write(new Uint8Array(20_000)); accepted++) pair.settle();
  assert.ok(accepted < 60, `${accepted} writes`);
  other.far.channel.write(new Uint8Array(20_000));
  pair.settle();
  assert.equal(other.near.bytes, 20_000);
  stalled.near.stalled = false;
  stalled.near.channel.consume(stalled.near.bytes);
  pair.settle();
  assert.equal(stalled.far.drains, 1);
  // From here on nothing that the agent sends arrives.
  let onDeadLine = 0;
  for (; onDeadLine < 200; onDeadLine++) {
    pair.clock.advance(50);
    pair.agent.wire.queue.length = 0;
    if (!stalled.far.channel.write(new Uint8Array(20_000))) break;
  }
  assert.equal(onDeadLine, 200);
});

test('TS-5: control goes before live, live before bulk, and channels of one priority take turns', () => {
  const pair = new Pair();
  const bulk = openPair(pair, 'bulk');
  const live = openPair(pair, 'live');
  const live2 = openPair(pair, 'live');
  bulk.far.channel.write(new Uint8Array(40_000).fill(1));
  live.far.channel.write(new Uint8Array(40_000).fill(2));
  live2.far.channel.write(new Uint8Array(40_000).fill(3));
  pair.agent.session.sendMessage(Buffer.from('{"type":"hurry"}'));
  pair.clock.advance(0);
  const order: string[] = [];
  for (const message of pair.agent.wire.queue)
    for (let at = 0; at < message.length; at += 8 + message[at + 2]! * 256 + message[at + 3]!)
      order.push(message[at] === frameType.data ? `data ${message[at + 8]}` : `${message[at]}`);
  assert.deepEqual(order.slice(0, 5), [`${frameType.message}`, 'data 2', 'data 3', 'data 2', 'data 3']);
  assert.deepEqual(order.slice(-3), ['data 1', 'data 1', 'data 1']);
});

test('TS-6: what was under way when the connection was cut comes after the next one, once and in order', () => {
  const pair = new Pair();
  const { near, far } = openPair(pair);
  const sent = createHash('sha256');
  const write = (bytes: Uint8Array) => {
    sent.update(bytes);
    far.channel.write(bytes);
  };
  const random = randomFrom(1);
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 5; i++) write(Buffer.from(`${round}.${i} `.repeat(Math.ceil(random() * 2000))));
    pair.clock.advance(0);
    deliver(pair.agent, pair.server, Math.floor(random() * 3));
    deliver(pair.server, pair.agent, Math.floor(random() * 2));
    pair.cut();
    write(Buffer.from('while it was away '));
    pair.clock.advance(1000);
    pair.connect();
    if (round % 3 === 0) pair.settle();
  }
  pair.settle();
  assert.equal(near.bytes, far.channel.bytesOut);
  assert.equal(near.hash.digest('hex'), sent.digest('hex'));
  assert.equal(pair.server.session.stats.resumes, 40);
});

test('TS-7: after the grace time all channels are reset with that reason', () => {
  const pair = new Pair();
  const { near, far } = openPair(pair);
  pair.cut();
  pair.clock.advance(59_999);
  assert.deepEqual([near.reason, far.reason], [undefined, undefined]);
  pair.clock.advance(1);
  assert.deepEqual([near.reason, far.reason], ['grace_over', 'grace_over']);
  assert.deepEqual(pair.server.log, ['lost closed', 'closed grace_over']);
  assert.equal(pair.server.session.attach(new Wire(), 0), false);
});

test('TS-7: a grace time that changes counts for the next cut', () => {
  const pair = new Pair();
  pair.cut();
  pair.server.session.graceMs = 1000;
  pair.clock.advance(59_000);
  assert.deepEqual(pair.server.log, ['lost closed']);
  pair.connect();
  pair.settle();
  pair.cut();
  pair.clock.advance(1000);
  assert.deepEqual(pair.server.log, ['lost closed', 'lost closed', 'closed grace_over']);
  assert.deepEqual(pair.agent.log, ['lost closed', 'lost closed']);
});

test('TS-8: an outage with more bytes than the buffer holds resets the channel that holds most', () => {
  const pair = new Pair({ agent: { bufferBytes: 1_000_000 } });
  const big = openPair(pair);
  const small = openPair(pair);
  pair.cut();
  for (let i = 0; i < 120; i++) {
    big.far.channel.write(new Uint8Array(10_000));
    small.far.channel.write(new Uint8Array(1000));
  }
  assert.equal(big.far.reason, 'buffer_full');
  assert.equal(small.far.reason, undefined);
  assert.ok(pair.agent.session.stats.bufferedBytes <= 1_000_000);
  pair.connect();
  pair.settle();
  assert.equal(big.near.reason, 'buffer_full');
  assert.equal(small.near.bytes, 120_000);
});

test('TS-9: while the connection stands a full buffer makes writers wait, and loses nothing', () => {
  const pair = new Pair({ agent: { bufferBytes: 2_000_000 } });
  const { near, far } = openPair(pair);
  near.stalled = true;
  let written = 0;
  while (far.channel.write(new Uint8Array(50_000)) && written < 100) written++;
  assert.ok(written < 40);
  near.stalled = false;
  pair.settle(300);
  near.channel.consume(near.bytes);
  pair.settle(300);
  assert.equal(far.drains, 1);
  assert.equal(near.bytes, far.channel.bytesOut);
});

test('TS-10: silence is asked about after 10 s and ends the connection after 20 s', () => {
  const pair = new Pair();
  pair.settle();
  pair.server.wire.queue.length = 0;
  for (let i = 0; i < 24 && pair.server.session.state === 'up'; i++) pair.clock.advance(1000);
  assert.ok(pair.server.wire.queue.some((message) => message[0] === frameType.ping));
  assert.deepEqual(pair.server.log, ['lost silent']);
  assert.equal(pair.server.wire.isOpen, false);
});

test('TS-10: with an idle connection that answers, nobody is lost', () => {
  const pair = new Pair();
  for (let i = 0; i < 120; i++) pair.settle(1000);
  assert.deepEqual([pair.server.session.state, pair.agent.session.state], ['up', 'up']);
});

test('TS-10: a connection that carries only one way is dead, though pings arrive', () => {
  const pair = new Pair();
  const { far } = openPair(pair);
  far.channel.write(new Uint8Array(1000));
  for (let i = 0; i < 24; i++) {
    pair.clock.advance(1000);
    pair.agent.wire.queue.length = 0;
    pair.server.wire.queue.length = 0;
    pair.agent.session.receive(makeNumberFrame(frameType.ping, i));
  }
  assert.deepEqual(pair.agent.log, ['lost silent']);
});

test('TS-10: a process that stood still asks again before it gives up', () => {
  const pair = new Pair();
  pair.settle();
  pair.clock.advance(3000);
  pair.settle();
  // One timer that fires far too late, with answers still in the socket.
  const { clock } = pair;
  const monotonicMs = clock.monotonicMs.bind(clock);
  let skipMs = 0;
  clock.monotonicMs = () => monotonicMs() + skipMs;
  skipMs = 60_000;
  clock.advance(2500);
  assert.equal(pair.server.session.state, 'up');
  pair.settle(2500);
  assert.equal(pair.server.session.state, 'up');
});

test('TS-11: GOAWAY ends the session at both ends with its reason', () => {
  const pair = new Pair();
  const { near, far } = openPair(pair);
  pair.server.session.close('shutdown', 1234);
  pair.settle();
  assert.deepEqual([near.reason, far.reason], ['shutdown', 'shutdown']);
  assert.deepEqual(pair.agent.log, ['go away shutdown 1234', 'lost session_over', 'closed shutdown']);
});

test('TS-12: messages of up to 320 KiB arrive whole between other things', () => {
  const pair = new Pair();
  const { far, near } = openPair(pair);
  const message = Buffer.from('abcdefg'.repeat(45_000));
  far.channel.write(new Uint8Array(300_000));
  pair.agent.session.sendMessage(message);
  pair.agent.session.sendMessage(Buffer.from('{}'));
  pair.settle();
  assert.deepEqual(
    pair.server.messages.map(({ length }) => length),
    [315_000, 2],
  );
  assert.deepEqual(Buffer.from(pair.server.messages[0]!), message);
  assert.equal(near.bytes, 300_000);
  assert.throws(() => pair.agent.session.sendMessage(new Uint8Array(330_000)), { code: 'TUNNEL_MESSAGES_FULL' });
});

test('TS-13: bytes sent before the channel was accepted wait for the one who accepts', () => {
  const pair = new Pair();
  const near = new Sink();
  near.channel = pair.server.session.open(Buffer.from('{}'), 'live', near);
  near.channel.write(Buffer.from('OPTIONS'));
  near.channel.end();
  pair.settle();
  const far = new Sink();
  far.channel = pair.agent.opened[0]!.channel;
  far.channel.accept(far);
  assert.deepEqual([far.bytes, far.ends], [7, 1]);
});

test('TS-14: a window grows while a round trip uses up half of it, up to its limit, and only then', () => {
  const pair = new Pair();
  const { near, far } = openPair(pair);
  for (let i = 0; i < 200; i++) {
    far.channel.write(new Uint8Array(200_000));
    pair.settle();
  }
  assert.equal(near.bytes, 40_000_000);
  const before = pair.agent.session.stats.bytesIn;
  // With a window of 16 MiB ten more megabytes need at most two grants, not a grant for each 64 KiB.
  for (let i = 0; i < 50; i++) {
    far.channel.write(new Uint8Array(200_000));
    pair.settle(100);
  }
  assert.ok(pair.agent.session.stats.bytesIn - before < 5000);
});

const hostile: readonly [name: string, message: Uint8Array][] = [
  ['a frame that is cut off', Uint8Array.of(3, 0, 0, 9, 0, 0, 0, 2, 1)],
  ['a header that is cut off', Uint8Array.of(3, 0, 0)],
  ['a frame that is too long', Uint8Array.of(3, 0, 0xff, 0xff, 0, 0, 0, 2)],
  ['data on a channel that never was', makeFrame(frameType.data, 998, new Uint8Array(10))],
  ['a channel number of the wrong half', makeFrame(frameType.open, 4, Uint8Array.of(1))],
  ['a priority that does not exist', makeFrame(frameType.open, 1, Uint8Array.of(9))],
  ['an acknowledgement of what was never sent', makeNumberFrame(frameType.ack, 1e9)],
  ['a frame type of nobody', makeFrame(0x33, 0, new Uint8Array(0))],
  ['a handshake in the middle', makeFrame(frameType.hello, 0, Buffer.from('{}'))],
  ['a message beyond 64 KiB', new Uint8Array(70_000)],
  ['credit of the wrong size', makeFrame(frameType.sessionCredit, 0, new Uint8Array(3))],
  ['GOAWAY without JSON', makeFrame(frameType.goAway, 0, Uint8Array.of(1))],
];
for (const [name, message] of hostile)
  test(`TS-15: ${name} ends the session and nothing else`, () => {
    const pair = new Pair();
    const { near } = openPair(pair);
    pair.server.session.receive(message);
    assert.equal(pair.server.session.state, 'closed');
    assert.equal(near.reason, 'protocol');
  });

test('TS-15: more than was granted, and more channels than were announced, end the session', () => {
  const flooded = new Pair();
  openPair(flooded).near.stalled = true;
  for (let i = 0; i < 20; i++) flooded.server.session.receive(makeFrame(frameType.data, 2, new Uint8Array(16_000)));
  assert.equal(flooded.server.session.state, 'closed');
  const crowded = new Pair();
  for (let id = 1; id < 100; id += 2) crowded.server.session.receive(makeFrame(frameType.open, id, Uint8Array.of(1)));
  assert.equal(crowded.server.session.state, 'closed');
  assert.equal(crowded.server.opened.length, serverLimits.maxChannels);
});

test('TS-16: the other end is refused where it lacks what is no longer here', () => {
  const pair = new Pair();
  const { far } = openPair(pair);
  far.channel.write(new Uint8Array(300_000));
  pair.settle(300);
  pair.cut();
  assert.equal(pair.agent.session.attach(new Wire(), 0), false);
  assert.equal(far.reason, 'session_lost');
});

test('TS-17: checksummed traffic in dozens of channels survives connections that break at random', () => {
  for (const seed of [7, 8, 9]) chaos(seed, 300);
});

function chaos(seed: number, rounds: number): void {
  const random = randomFrom(seed);
  const pair = new Pair();
  const flows: { from: Sink; to: Sink; sent: ReturnType<typeof createHash>; bytes: number }[] = [];
  for (let i = 0; i < 24; i++) {
    const { near, far } = openPair(pair, i % 3 === 0 ? 'bulk' : 'live');
    flows.push({ from: far, to: near, sent: createHash('sha256'), bytes: 0 });
    flows.push({ from: near, to: far, sent: createHash('sha256'), bytes: 0 });
  }
  let isUp = true;
  for (let round = 0; round < rounds; round++) {
    for (const flow of flows) {
      if (random() < 0.6 || flow.from.channel.queuedBytes > 200_000) continue;
      const bytes = new Uint8Array(Math.ceil(random() * 9000));
      for (let i = 0; i < bytes.length; i += 7) bytes[i] = random() * 256;
      flow.sent.update(bytes);
      flow.bytes += bytes.length;
      flow.from.channel.write(bytes);
    }
    pair.clock.advance(random() * 50);
    if (isUp) {
      deliver(pair.agent, pair.server, Math.floor(random() * 12));
      deliver(pair.server, pair.agent, Math.floor(random() * 12));
    }
    if (random() < 0.15) {
      // One end may notice long before the other.
      if (random() < 0.5) pair.agent.session.lost();
      else pair.cut();
      isUp = false;
    } else if (!isUp && random() < 0.6) {
      pair.connect();
      isUp = true;
    }
  }
  pair.connect();
  pair.settle(300);
  for (const { to, sent, bytes } of flows) {
    assert.equal(to.reason, undefined);
    assert.equal(to.bytes, bytes);
    assert.equal(to.hash.copy().digest('hex'), sent.digest('hex'), `seed ${seed}`);
  }
}
