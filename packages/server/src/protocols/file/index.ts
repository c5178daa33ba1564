import type { SourceUrl } from '@watchpost/base/source-url.ts';
import { describeByPull } from '../../hub/describe-by-pull.ts';
import type { Protocol, Publish } from '../../hub/types.ts';
import { locateFile, mediaDirMissing } from './locate-file.ts';
import { pullFile } from './pull.ts';

/**
 * Files below `mediaDir` (absolute; undefined where none is named), each played as a camera in a loop: `file:NAME`. It is
 * asked for each round: the configuration may be read again.
 */
export function createFileSource({ mediaDir }: { readonly mediaDir: () => string | undefined }): Protocol {
  const play = (source: SourceUrl, context: Parameters<typeof pullFile>[1], publish: Publish) =>
    pullFile(() => locateFile(source, mediaDir()), context, publish);
  return {
    ...{ name: 'file', schemes: ['file'] },
    stats: () => ({}),
    checkSource: () => {
      if (mediaDir() === undefined) throw mediaDirMissing();
    },
    pull: (source, publish, context) => play(source, context, publish),
    describe: (source, context) => describeByPull(context, (publish, own) => play(source, own, publish)),
  };
}
