import { z } from 'zod';

/**
 * What a change of a key costs while the server runs: `nothing`, the source of its camera is connected anew, the readers
 * of its output are, or it counts after a restart only. A key has it in `.meta({ cost })`, or its section has it for all.
 */
export type ChangeCost = 'nothing' | 'this source' | 'these readers' | 'restart';

/** For `.meta()`: a change counts at once. */
export const costsNothing: { readonly cost: ChangeCost } = { cost: 'nothing' };
/** For `.meta()`: a change connects the camera anew. */
export const costsSource: { readonly cost: ChangeCost } = { cost: 'this source' };
/** For `.meta()`: those that watch by it have to begin anew. */
export const costsReaders: { readonly cost: ChangeCost } = { cost: 'these readers' };
/** For `.meta()`: a change counts after a restart. */
export const costsRestart: { readonly cost: ChangeCost } = { cost: 'restart' };

/** For `.meta()` of a list: another order is a change. */
export const isOrdered = { isOrdered: true } as const;

/** Whether another order of the list is a change. */
export function declaredOrder(schema: unknown): boolean {
  return z.globalRegistry.get(schema as z.ZodType)?.['isOrdered'] === true;
}

/** The cost that a schema declares itself; undefined where it declares none. */
export function declaredCost(schema: unknown): ChangeCost | undefined {
  return z.globalRegistry.get(schema as z.ZodType)?.['cost'] as ChangeCost | undefined;
}
