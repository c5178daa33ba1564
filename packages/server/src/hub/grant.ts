import type { Grant } from './types.ts';

/** Leave that nobody withdraws. */
export const lastingGrant: Grant = { onEnd: () => () => {} };
