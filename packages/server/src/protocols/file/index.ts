import { describeByPull } from '../../hub/describe-by-pull.ts';
import type { Protocol } from '../../hub/types.ts';
import { locateFile, mediaDirMissing } from './locate-file.ts';
import { pullFile } from './pull.ts';

/** Files below `mediaDir` (absolute; undefined where none is named), each played as a camera in a loop: `file:NAME`. */
export function createFileSource({ mediaDir }: { readonly mediaDir: string | undefined }): Protocol {
  return {
    ...{ name: 'file', schemes: ['file'] },
    stats: () => ({}),
    checkSource: () => {
      if (mediaDir === undefined) throw mediaDirMissing();
    },
    pull: async (source, publish, context) => pullFile(await locateFile(source, mediaDir), context, publish),
    describe: (source, context) =>
      describeByPull(context, async (publish, own) => pullFile(await locateFile(source, mediaDir), own, publish)),
  };
}
