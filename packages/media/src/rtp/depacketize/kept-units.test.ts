import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessUnit, RtpPacket, Track } from '../../types.ts';
import { parseRtpPacket, writeRtpHeader } from '../packet.ts';
import { FrameAccessUnit } from './access-unit.ts';
import { createDepacketizer } from './index-by-codec.ts';
import { KeptUnits } from './kept-units.ts';

const track: Track = { id: 1, kind: 'video', codec: 'h264', clockRate: 90_000, parameterSets: [] };
const sps = Uint8Array.of(0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8);
const pps = Uint8Array.of(0x68, 0xce, 0x38, 0x80);

/** Packets of 100 pictures, a key picture each ten, in chunks that several pictures share; high time stamps. */
function pictures(): AccessUnit[] {
  const units: AccessUnit[] = [];
  const depacketizer = createDepacketizer(track, {}, (unit) => units.push(unit))!;
  let chunk = new Uint8Array(0);
  let used = 0;
  let sequence = 65_500;
  const push = (payload: Uint8Array, timestamp: number, marker: boolean, lost = 0) => {
    if (used + 12 + payload.length > chunk.length) {
      chunk = new Uint8Array(700);
      used = 0;
    }
    const start = used;
    writeRtpHeader(chunk, start, { payloadType: 96, marker, sequence: sequence++, timestamp, ssrc: 7 });
    chunk.set(payload, start + 12);
    used = start + 12 + payload.length;
    depacketizer.push(parseRtpPacket(chunk, start, used), lost);
  };
  for (let i = 0; i < 100; i++) {
    const timestamp = (0xffff_0000 + i * 3600) >>> 0;
    const isKey = i % 10 === 0;
    // Lost right before a key picture: nothing is given up for it.
    if (isKey) push(sps, timestamp, false, i === 50 ? 3 : 0);
    if (isKey) push(pps, timestamp, false);
    const picture = new Uint8Array(60 + i).fill(i);
    picture.set([isKey ? 0x65 : 0x41, 0x88]);
    push(picture, timestamp, true);
  }
  return units;
}

/** All that is said of a unit. */
function facts(unit: AccessUnit) {
  const { rtpTimestamp, key, byteLength, lost, packets } = unit;
  return { rtpTimestamp, key, byteLength, lost, packets, units: unit.units(), track: unit.track };
}

test('units come back as they were, with the chunks that their packets are in', () => {
  const units = pictures();
  assert.equal(units.length, 100);
  assert.equal(units[50]!.lost, 3);
  const kept = new KeptUnits();
  for (const unit of units) assert.ok(kept.add(unit));
  const back = kept.read(0);
  assert.deepEqual(back.map(facts), units.map(facts));
  const chunkOf = (packet: RtpPacket) => packet.chunk;
  assert.ok(back.every((unit, i) => unit.packets.every((p, n) => chunkOf(p) === chunkOf(units[i]!.packets[n]!))));
  assert.ok(back.every((unit, i) => unit.track === units[i]!.track));
});

test('what is cleared is gone, and the next ones are kept as well', () => {
  const units = pictures();
  const kept = new KeptUnits();
  for (const unit of units) kept.add(unit);
  kept.clear();
  assert.deepEqual(kept.read(0), []);
  for (const unit of units.slice(7, 20)) kept.add(unit);
  assert.deepEqual(kept.read(0).map(facts), units.slice(7, 20).map(facts));
});

test('units are read from anywhere, and forgotten from the oldest on, however many come and go', () => {
  const units = pictures();
  const kept = new KeptUnits();
  let first = 0;
  for (const [i, unit] of units.entries()) {
    kept.add(unit);
    if (i % 7 < 3) continue;
    const count = i % 5;
    kept.drop(count);
    first = Math.min(first + count, i + 1);
    assert.deepEqual(
      kept.read(0, 1).map(facts),
      units
        .slice(first, i + 1)
        .slice(0, 1)
        .map(facts),
    );
    assert.deepEqual(kept.read(1).map(facts), units.slice(first + 1, i + 1).map(facts));
  }
  assert.ok(first > 50);
  kept.drop(1000);
  assert.deepEqual(kept.read(0), []);
});

test('tracks that change all the time are told apart, and those of the past forgotten', () => {
  const kept = new KeptUnits();
  const made: AccessUnit[] = [];
  for (let i = 0; i < 40; i++) {
    const changed: Track = { ...track, id: i };
    const depacketizer = createDepacketizer(changed, {}, (unit) => made.push(unit))!;
    const chunk = new Uint8Array(100).fill(i);
    let at = 0;
    for (const payload of [sps, pps, Uint8Array.of(0x65, 0x88, i)]) {
      const marker = payload[0] === 0x65;
      writeRtpHeader(chunk, at, { payloadType: 96, marker, sequence: 1, timestamp: i, ssrc: 7 });
      chunk.set(payload, at + 12);
      depacketizer.push(parseRtpPacket(chunk, at, at + 12 + payload.length), 0);
      at += 12 + payload.length;
    }
    kept.add(made.at(-1)!);
    if (i > 4) kept.drop(1);
    const expected = made.slice(Math.max(0, i - 4));
    assert.deepEqual(kept.read(0).map(facts), expected.map(facts));
  }
});

test('a unit that was put together already, and sound, are not kept', () => {
  const kept = new KeptUnits();
  const [unit] = pictures();
  unit!.units();
  assert.equal(kept.add(unit!), false);
  const sound = new FrameAccessUnit({ rtpTimestamp: 0, packets: [], lost: 0, track }, new Uint8Array(10));
  assert.equal(kept.add(sound), false);
  assert.deepEqual(kept.read(0), []);
});
