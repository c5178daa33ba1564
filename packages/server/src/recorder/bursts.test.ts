import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bench, openBench, videoTrack } from './test-bench.ts';

const frameMs = 40;
const gopMs = 2000;

/** A server that shows a camera, and keeps its pictures since the last key picture for those who connect. */
class KeepingServer {
  readonly #bench: Bench;
  readonly #hasReports: boolean;
  readonly #beginMs: number;
  readonly #stream;
  #sentMs = 0;

  /** `hasReports`: it says when pictures were captured; else they are dated by their arrival. */
  constructor(bench: Bench, hasReports: boolean) {
    this.#bench = bench;
    this.#hasReports = hasReports;
    this.#beginMs = bench.clock.wallMs();
    this.#stream = bench.hub.add('gate');
    this.#stream.mute = true;
  }

  connect(): void {
    this.#stream.connect([videoTrack()]);
    const nowMs = this.#nowMs();
    this.#sentMs = nowMs - (nowMs % gopMs);
  }

  disconnect(): void {
    this.#stream.disconnect();
  }

  /** Sends what was captured until `untilMs` ago. */
  send(agoMs = 0): void {
    const { clock } = this.#bench;
    const track = this.#stream.tracks[0]!;
    for (; this.#sentMs <= this.#nowMs() - agoMs; this.#sentMs += frameMs) {
      const dts = this.#sentMs * 90;
      const key = this.#sentMs % gopMs === 0;
      const wallMs = this.#hasReports ? this.#beginMs + this.#sentMs : clock.wallMs();
      const units = [Uint8Array.of(key ? 0x65 : 0x41, 1)];
      this.#stream.log.append(
        { track, dts, pts: dts, key, units, byteLength: 2, wallMs, lost: 0 },
        { randomAccess: key, bytes: 2, atMs: clock.monotonicMs() },
      );
    }
  }

  /** Sends what is captured for so long. */
  async live(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += frameMs) {
      this.send();
      await this.#bench.run(frameMs);
    }
  }

  #nowMs(): number {
    return this.#bench.clock.wallMs() - this.#beginMs;
  }
}

/** What is recorded lies behind one another, and the newest picture is of now. */
async function checkTimes({ recorder, clock }: Bench): Promise<void> {
  const segments = await recorder.query.segments('gate', 0, 1e14);
  const beforeNow = segments.map(({ startMs, endMs }) => [clock.wallMs() - startMs, clock.wallMs() - endMs] as const);
  for (const [i, [startMs]] of beforeNow.entries())
    assert.ok(
      i === 0 || startMs <= beforeNow[i - 1]![1],
      `one lies over the other: ${JSON.stringify(beforeNow)} ms ago`,
    );
  const [, endMs] = beforeNow.at(-1)!;
  assert.ok(endMs > -100 && endMs < 1200, `the newest picture is of ${endMs} ms ago: ${JSON.stringify(beforeNow)}`);
}

for (const hasReports of [false, true]) {
  const what = hasReports ? 'dated by the server' : 'dated by their arrival';

  test(`pictures that a server kept come in two parts, the first reading between them: ${what}`, async () => {
    await using bench = await openBench();
    const server = new KeepingServer(bench, hasReports);
    await bench.run(1600);
    server.connect();
    server.send(600);
    await bench.run(1000);
    await server.live(8000);
    await checkTimes(bench);
  });

  test(`a server sends again what is recorded already, ${what}: it is over nothing, and what follows has its time`, async () => {
    await using bench = await openBench();
    const server = new KeepingServer(bench, hasReports);
    server.connect();
    await server.live(5400);
    server.disconnect();
    await bench.run(400);
    server.connect();
    await server.live(4000);
    await checkTimes(bench);
  });
}
