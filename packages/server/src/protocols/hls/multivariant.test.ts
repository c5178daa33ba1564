import assert from 'node:assert/strict';
import test from 'node:test';
import { writeVariants } from './multivariant.ts';
import { h264, setUp } from './test-bench.ts';

const cases = [
  { title: 'nothing known', main: 0, sub: 0, told: [4_000_000, 500_000] },
  { title: 'both known', main: 900_000, sub: 300_000, told: [900_000, 300_000] },
  { title: 'a quiet camera whose sub stream nobody has watched', main: 170_000, sub: 0, told: [170_000, 85_000] },
  { title: 'a busy camera whose sub stream nobody has watched', main: 6_000_000, sub: 0, told: [6_000_000, 500_000] },
  {
    title: 'a large sub stream, and a main one that has sent nothing',
    main: 0,
    sub: 5_000_000,
    told: [10_000_000, 5_000_000],
  },
];
for (const { title, main, sub, told } of cases) {
  test(`bit rates that are told: ${title}`, async () => {
    const { hub, stream } = await setUp({ ...h264 });
    const second = await hub.define({ ...stream.definition, id: 'gate.sub' });
    second.setState('on_demand');
    const renditions = [
      { quality: 'main', stream, peakBitrate: main },
      { quality: 'sub', stream: second, peakBitrate: sub },
    ] as const;
    const text = writeVariants(renditions, 'ts', '');
    assert.deepEqual(
      [...text.matchAll(/BANDWIDTH=(\d+)/g)].map(([, bits]) => Number(bits)),
      told,
    );
  });
}
