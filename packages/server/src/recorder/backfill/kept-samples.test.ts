import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptSamples } from './kept-samples.ts';

const sdp =
  'v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg==\r\na=control:0\r\n';
const beganMs = Date.UTC(2026, 6, 1);

/** A picture of one packet, 40 ms after the one before. */
function picture(sequence: number): Uint8Array {
  const packet = new Uint8Array(200).fill(0x55);
  packet.set([0x80, 0x80 | 96, sequence >> 8, sequence]);
  new DataView(packet.buffer).setUint32(4, sequence * 3600);
  packet[12] = sequence % 25 === 0 ? 0x65 : 0x41;
  return packet;
}

test('many pictures that one read brings are dated one by one, as they came to the agent', async () => {
  await using kept = await KeptSamples.open(beganMs - 60_000, 5000);
  const timeMs = beganMs - 5000;
  kept.push({ kind: 'tracks', timeMs, sdp });
  for (let i = 0; i < 100; i++) kept.push({ kind: 'rtp', timeMs: timeMs + i * 40, trackIndex: 0, packet: picture(i) });
  const samples = kept.take();
  assert.ok(samples.length >= 75, `${samples.length}`);
  const first = 100 - samples.length;
  for (const [at, { wallMs }] of samples.entries()) {
    const i = first + at;
    assert.ok(Math.abs(wallMs - (beganMs + i * 40)) <= 40, `picture ${i}: ${wallMs - beganMs - i * 40} ms off`);
  }
});
