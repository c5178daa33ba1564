import { readFileSync } from 'node:fs';

const budgets = JSON.parse(readFileSync(new URL('budgets.json', import.meta.url), 'utf8')) as Record<
  string,
  Record<string, number>
>;

/** Prints each figure beside its budget. A figure past it is said, not failed: machines differ. */
export function reportFigures(workload: string, figures: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(figures)) {
    const budget = budgets[workload]?.[name];
    const verdict = budget === undefined ? '' : value <= budget ? `within ${budget}` : `PAST ${budget}`;
    console.log(`${workload}.${name}: ${value.toFixed(3)} ${verdict}`);
  }
}
