import type { Grant } from './types.ts';

/** Leave that nobody withdraws: where no login is required. */
export const lastingGrant: Grant = { onEnd: () => () => {} };
