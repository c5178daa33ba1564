/** A process of its own that decodes pictures with node-av: it is asked and answers over the channel to its parent. */
import type { NodeAvAnswer, NodeAvQuestion } from './node-av.ts';
import { newestAsJpeg } from './node-av-jpeg.ts';

const answer = (given: NodeAvAnswer) => process.send!(given);

process.on('message', (asked: NodeAvQuestion) => {
  try {
    answer({ jpeg: newestAsJpeg(asked) });
  } catch (thrown) {
    answer({ error: thrown instanceof Error ? thrown.message : String(thrown) });
  }
});
process.on('disconnect', () => process.exit(0));
answer({});
