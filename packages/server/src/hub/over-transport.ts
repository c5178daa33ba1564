import type { Publish } from './types.ts';

/** Tells with each session how its bytes come. `nameOf` is asked when one begins: servers redirect. */
export function overTransport(publish: Publish, nameOf: () => string): Publish {
  return (tracks, recycler) => publish(tracks, recycler, { name: nameOf() });
}
