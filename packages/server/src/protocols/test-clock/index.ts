import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import { describeByPull } from '../../hub/describe-by-pull.ts';
import type { Protocol } from '../../hub/types.ts';
import { pullClock } from './pull.ts';

/** A clock picture with numbered frames and a tone, for trying things out: `test:clock`. */
export function createTestClock(): Protocol {
  return {
    ...{ name: 'test', schemes: ['test'], checkSource },
    stats: () => ({}),
    pull: (source, publish, context) => {
      checkSource(source);
      return pullClock(publish, context);
    },
    describe: (source, context) => {
      checkSource(source);
      return describeByPull(context, pullClock);
    },
  };
}

/** Throws `invalid_argument` (`TEST_SOURCE_UNKNOWN`) for anything but `test:clock`. */
function checkSource({ url, path }: SourceUrl): void {
  if (path === 'clock') return;
  throw new WatchpostError(`"${url}" is no test picture — there is "test:clock"`, {
    kind: 'invalid_argument',
    code: 'TEST_SOURCE_UNKNOWN',
  });
}
