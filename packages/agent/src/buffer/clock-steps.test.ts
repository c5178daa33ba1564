import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { BackfillReader } from '@watchpost/tunnel/backfill/record.ts';
import type { Channel } from '@watchpost/tunnel/types.ts';
import { nodePlatform } from '../platform/node-platform.ts';
import { sendBackfill } from './backfill-sender.ts';
import { diskBlocks } from './block-stores.ts';
import { EdgeBuffer } from './edge-buffer.ts';
import { RunClock } from './run-clock.ts';
import { sendPicture, testStream } from './test-stream.ts';

const folder = mkdtempSync(join(tmpdir(), 'watchpost-clock-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const hourMs = 3_600_000;
const pictureMs = 40;
const serverBeganMs = Date.UTC(2026, 6, 1);
let folders = 0;

/** A machine with a disk, over its runs; and the server, whose clock is right. */
class Machine {
  readonly folder = join(folder, `${folders++}`);
  readonly warnings: string[] = [];
  serverMs = serverBeganMs;
  clock = new ManualClock();
  run = new RunClock({ clock: this.clock, boot: { id: '000000000000', clockZeroMs: 0, sleptMs: () => 0 } });
  buffer!: EdgeBuffer;
  sleptMs = 0;
  /** When the picture of each sequence number came, by the server's clock. */
  readonly came: number[] = [];

  /** Starts the agent with the wall clock that the machine shows; without a new `id` in the same run. */
  async start({ id = this.run.id, wallMs = this.serverMs }): Promise<void> {
    const zeroMs = id === this.run.id ? this.run.nowMs() : 20_000;
    this.sleptMs = 0;
    this.clock = new ManualClock(wallMs);
    this.run = new RunClock({ clock: this.clock, boot: { id, clockZeroMs: zeroMs, sleptMs: () => this.sleptMs } });
    const store = diskBlocks(nodePlatform(), this.folder);
    const logger = {
      ...silentLogger,
      warn: (text: string, fields = {}) => void this.warnings.push(`${text} ${JSON.stringify(fields)}`),
    };
    this.buffer = new EdgeBuffer({ id: 'b', clock: this.run, logger, store, maxBytes: 10_000_000 });
    await this.buffer.open();
    this.buffer.onStart(testStream);
  }

  /** The agent ends, with what is under way kept; then time goes by. */
  async stop(awayMs: number): Promise<void> {
    await this.buffer.flush();
    this.serverMs += awayMs;
  }

  pass(ms: number): void {
    this.clock.advance(ms);
    this.serverMs += ms;
  }

  play(pictures: number): void {
    for (let i = 0; i < pictures; i++, this.pass(pictureMs)) {
      sendPicture(this.buffer, i % 25 === 0, this.came.length);
      this.came.push(this.serverMs);
    }
  }

  /** What a server does with an offer: the present time as the offer has it tells how far times are off. */
  async fetch({ beforeAsking = () => {} } = {}): Promise<{ sequence: number; atMs: number }[]> {
    await this.buffer.flush();
    const ranges = this.buffer.ranges();
    const offsetMs = this.serverMs - (this.run.nowMs() + this.run.lineOffsetMs);
    const first = Math.min(...ranges.map(({ start_ms }) => start_ms));
    assert.ok(ranges.length === 0 || first >= 0, 'times can be written');
    beforeAsking();
    const pictures: { sequence: number; atMs: number }[] = [];
    const reader = new BackfillReader((record) => {
      if (record.kind !== 'rtp') return;
      const sequence = record.packet[2]! * 256 + record.packet[3]!;
      pictures.push({ sequence, atMs: record.timeMs + offsetMs });
    });
    const channel = {
      isClosed: false,
      accept: () => {},
      consume: () => {},
      end: () => {},
      write: (bytes: Uint8Array) => {
        reader.receive(bytes);
        return true;
      },
    } as unknown as Channel;
    const [startMs, endMs] = [serverBeganMs - hourMs - offsetMs, this.serverMs + hourMs - offsetMs];
    const request = { kind: 'backfill', buffer: 'b', startMs, endMs, maxBytesPerSecond: 1e12 } as const;
    await sendBackfill(channel, this.buffer, { request, clock: this.clock });
    return pictures;
  }

  /** Fails unless just these pictures came, in order, once each, within 2 ms of when they were. */
  check(pictures: readonly { sequence: number; atMs: number }[], from: number, to: number): void {
    assert.deepEqual(
      pictures.map(({ sequence }) => sequence),
      Array.from({ length: to - from }, (_, i) => from + i),
    );
    for (const { sequence, atMs } of pictures)
      assert.ok(
        Math.abs(atMs - this.came[sequence]!) <= 2,
        `picture ${sequence}: ${atMs - this.came[sequence]!} ms off`,
      );
  }
}

const steps = [
  { name: 'an hour back', wallMs: serverBeganMs + hourMs, stepMs: -hourMs },
  { name: 'an hour ahead', wallMs: serverBeganMs - hourMs, stepMs: hourMs },
  { name: 'an hour back, away from the truth', wallMs: serverBeganMs, stepMs: -hourMs },
  { name: 'from 1970 to the present', wallMs: 30_000, stepMs: serverBeganMs - 30_000 },
  { name: 'not at all, at 1970', wallMs: 30_000, stepMs: 0 },
];
for (const { name, wallMs, stepMs } of steps)
  test(`a clock that is set ${name} during an outage moves nothing that is kept`, async () => {
    const machine = new Machine();
    await machine.start({ wallMs });
    machine.play(250);
    machine.clock.stepWall(stepMs);
    machine.play(250);
    machine.check(await machine.fetch(), 0, 500);
    assert.equal(machine.buffer.ranges().length, 1, 'without a hole');
    // The clock may as well be set between the offer and the request.
    machine.check(await machine.fetch({ beforeAsking: () => machine.clock.stepWall(-stepMs) }), 0, 500);
    assert.deepEqual(machine.warnings, []);
  });

test('what came before the agent started again in a run without the time lies right, before and after the time is known', async () => {
  const machine = new Machine();
  await machine.start({ id: 'aaaaaaaaaaaa', wallMs: 30_000 });
  machine.play(100);
  await machine.stop(0);
  await machine.start({ wallMs: 34_000 });
  machine.play(100);
  machine.check(await machine.fetch(), 0, 200);
  machine.clock.stepWall(serverBeganMs - 30_000);
  machine.check(await machine.fetch(), 0, 200);
});

test('an earlier run that learned the time lies right, once this run has learned it as well', async () => {
  const machine = new Machine();
  await machine.start({ id: 'aaaaaaaaaaaa', wallMs: 30_000 });
  machine.play(100);
  machine.clock.stepWall(serverBeganMs - 30_000);
  machine.play(100);
  await machine.stop(60_000);
  await machine.start({ id: 'bbbbbbbbbbbb', wallMs: 30_000 });
  machine.play(100);
  machine.check(await machine.fetch(), 200, 300);
  assert.match(machine.warnings.join(), /once its clock is set/);
  machine.clock.stepWall(machine.serverMs - machine.clock.wallMs());
  machine.check(await machine.fetch(), 0, 300);
});

test('an earlier run on a machine whose clock is always right lies right', async () => {
  const machine = new Machine();
  await machine.start({ id: 'aaaaaaaaaaaa' });
  machine.play(100);
  await machine.stop(60_000);
  await machine.start({ id: 'bbbbbbbbbbbb' });
  machine.play(100);
  machine.check(await machine.fetch(), 0, 200);
  assert.deepEqual(machine.warnings, []);
});

const unknown = [
  { name: 'never learned the time', firstMs: 30_000, thenMs: 0, setMs: 0, why: /not set/ },
  { name: 'had a clock that was a day ahead', firstMs: serverBeganMs + 24 * hourMs, thenMs: 0, setMs: 0, why: /ahead/ },
  {
    name: 'went on from a saved time, as this one did until it was set',
    ...{ firstMs: serverBeganMs - hourMs, thenMs: -hourMs, setMs: hourMs, why: /until it is set/ },
  },
];
for (const { name, firstMs, thenMs, setMs, why } of unknown)
  test(`an earlier run that ${name} is not offered, and the log says so once`, async () => {
    const machine = new Machine();
    await machine.start({ id: 'aaaaaaaaaaaa', wallMs: firstMs });
    machine.play(100);
    await machine.stop(60_000);
    await machine.start({ id: 'bbbbbbbbbbbb', wallMs: machine.serverMs + thenMs });
    machine.clock.stepWall(setMs);
    machine.play(100);
    machine.check(await machine.fetch(), 100, 200);
    machine.check(await machine.fetch(), 100, 200);
    const told = machine.warnings.filter((text) => why.test(text));
    assert.equal(told.length, 1, machine.warnings.join('\n'));
  });

test('of two earlier runs that contradict each other none is offered but the one that was told the time', async () => {
  for (const isSet of [false, true]) {
    const machine = new Machine();
    await machine.start({ id: 'aaaaaaaaaaaa', wallMs: isSet ? serverBeganMs - hourMs : serverBeganMs });
    machine.clock.stepWall(isSet ? hourMs : 0);
    machine.play(100);
    await machine.stop(60_000);
    await machine.start({ id: 'bbbbbbbbbbbb', wallMs: machine.serverMs - hourMs });
    machine.play(100);
    await machine.stop(60_000);
    await machine.start({ id: 'cccccccccccc' });
    machine.play(50);
    const pictures = await machine.fetch();
    machine.check(
      pictures.filter(({ sequence }) => sequence >= 100),
      200,
      250,
    );
    assert.equal(pictures.length, isSet ? 150 : 50);
    assert.equal(pictures[0]!.sequence, isSet ? 0 : 200);
  }
});

test('sleep of the machine is a hole, and what came before it stays where it was', async () => {
  const machine = new Machine();
  await machine.start({ id: 'aaaaaaaaaaaa' });
  machine.play(100);
  machine.sleptMs = hourMs;
  machine.clock.stepWall(hourMs);
  machine.serverMs += hourMs;
  machine.buffer.onStart(testStream);
  machine.play(100);
  machine.check(await machine.fetch(), 0, 200);
  assert.equal(machine.buffer.ranges().length, 2);
});

test('blocks whose names tell no run lie where the wall clock was', async () => {
  const machine = new Machine();
  await machine.start({ id: 'aaaaaaaaaaaa' });
  machine.play(100);
  await machine.stop(60_000);
  const [name] = readdirSync(machine.folder);
  const plain = name!.replace(/-aaaaaaaaaaaa-\d+\.blk$/, '.blk');
  assert.notEqual(plain, name);
  renameSync(join(machine.folder, name!), join(machine.folder, plain));
  await machine.start({ id: 'bbbbbbbbbbbb' });
  const [range] = machine.buffer.ranges();
  assert.ok(Math.abs(range!.start_ms - serverBeganMs) <= 2, `${range!.start_ms - serverBeganMs}`);
});
