import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleAgent, maxBundleBytes } from '../packages/agent/src/firmware/bundle.ts';
import { maxSessionMessageBytes } from '../packages/tunnel/src/message-parts.ts';

test('the agent fits its one file of 200 kB, and that file a message', async (context) => {
  const { length } = await bundleAgent();
  context.diagnostic(`${length} bytes`);
  assert.ok(length <= maxBundleBytes);
  assert.ok((maxBundleBytes * 4) / 3 + 4096 <= maxSessionMessageBytes);
});

test('the same sources give the same bytes, packed parts among them', async () => {
  const [first, second] = [await bundleAgent(), await bundleAgent()];
  assert.ok(Buffer.from(first).equals(second));
});
