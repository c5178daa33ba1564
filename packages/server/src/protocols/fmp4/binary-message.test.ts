import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import test from 'node:test';
import * as ws from 'ws';
import { binaryMessage } from './binary-message.ts';

for (const length of [0, 1, 125, 126, 65_535, 65_536, 200_000]) {
  test(`a message of ${length} bytes is read back by ws`, async () => {
    const payload = Uint8Array.from({ length }, (_, i) => i & 255);
    // The receiving half of ws, fed by hand: what it makes of our frame is what a browser would.
    const { Receiver } = ws as unknown as { Receiver: new (options: object) => Duplex };
    const receiver = new Receiver({ isServer: false });
    const received = new Promise<Buffer>((resolve) => receiver.on('message', resolve));
    receiver.write(binaryMessage(payload));
    assert.deepEqual(new Uint8Array(await received), payload);
  });
}
