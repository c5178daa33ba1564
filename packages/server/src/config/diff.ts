import type { z } from 'zod';
import { type ChangeCost, declaredCost, declaredOrder } from './change-cost.ts';
import { isTable } from './key-path.ts';

/** One key that differs between two configurations. Values are not told: some are secrets. */
export interface ConfigChange {
  /**
   * `recording.retention_days`, `cameras.gate.url`; a whole element of a list where it came or went: `cameras.gate`. An
   * element without a name is told by its host.
   */
  readonly key: string;
  readonly change: 'added' | 'changed' | 'removed';
  readonly cost: ChangeCost;
}

/** What differs, and what can run now: the wanted settings, with those of the running ones that need a restart. */
export interface ConfigDiff<T> {
  readonly changes: readonly ConfigChange[];
  readonly next: T;
}

/** Compares two results of the same schema, key by key. Elements of lists are matched by `name`, else by `url`. */
export function diffConfig<S extends z.ZodType>(schema: S, running: z.output<S>, wanted: z.output<S>) {
  const differ = new Differ();
  const next = differ.compare({ view: schema as unknown as SchemaView, key: '', cost: 'restart' }, running, wanted);
  return { changes: differ.changes, next } as ConfigDiff<z.output<S>>;
}

/** The cost of each key that holds a value, lists taken apart: `['cameras[].url', 'this source']`. */
export function costsOfKeys(schema: z.ZodType): [key: string, cost: ChangeCost][] {
  const found: [string, ChangeCost][] = [];
  const walk = (place: Place): void => {
    const { shape, element } = open(place);
    if (element) walk({ ...element, key: `${place.key}[]` });
    else if (shape) for (const inner of shape) walk(inner);
    else found.push([place.key, open(place).cost]);
  };
  walk({ view: schema as unknown as SchemaView, key: '', cost: 'restart' });
  return found;
}

interface SchemaView {
  readonly def: {
    readonly innerType?: SchemaView;
    readonly in?: SchemaView;
    readonly element?: SchemaView;
    readonly shape?: Readonly<Record<string, SchemaView>>;
  };
}

interface Place {
  readonly view: SchemaView;
  readonly key: string;
  /** Where the key declares none itself. */
  readonly cost: ChangeCost;
}

interface Opened {
  readonly cost: ChangeCost;
  readonly shape?: readonly (Place & { readonly name: string })[];
  /** Of a list of tables. */
  readonly element?: Place;
  /** Another order of the list is a change. */
  readonly isOrdered?: boolean;
}

/** Takes default, optional and transform away; the outermost declared cost counts. */
function open({ view, key, cost: inherited }: Place): Opened {
  let inner = view;
  let cost = declaredCost(view);
  let isOrdered = declaredOrder(view);
  for (let next = inner.def.innerType ?? inner.def.in; next; next = inner.def.innerType ?? inner.def.in) {
    inner = next;
    cost ??= declaredCost(inner);
    isOrdered ||= declaredOrder(inner);
  }
  cost ??= inherited;
  const { shape, element } = inner.def;
  if (shape)
    return {
      cost,
      shape: Object.entries(shape).map(([name, innerView]) => ({
        name,
        view: innerView,
        key: key === '' ? name : `${key}.${name}`,
        cost,
      })),
    };
  if (element && open({ view: element, key, cost }).shape)
    return { cost, isOrdered, element: { view: element, key, cost } };
  return { cost };
}

class Differ {
  readonly changes: ConfigChange[] = [];

  /** The value to run with. */
  compare(place: Place, running: unknown, wanted: unknown): unknown {
    const { cost, shape, element, isOrdered } = open(place);
    if (shape && isTable(running) && isTable(wanted)) {
      const next: Record<string, unknown> = {};
      for (const inner of shape) {
        const value = this.compare(inner, running[inner.name], wanted[inner.name]);
        if (value !== undefined) next[inner.name] = value;
      }
      return next;
    }
    if (element && Array.isArray(running) && Array.isArray(wanted)) {
      if (isOrdered && isReordered(running, wanted)) this.changes.push({ key: place.key, change: 'changed', cost });
      return this.#lists(element, running, wanted);
    }
    if (JSON.stringify(running) === JSON.stringify(wanted)) return wanted;
    this.changes.push({ key: place.key, change: 'changed', cost });
    return cost === 'restart' ? running : wanted;
  }

  #lists(place: Place, running: readonly unknown[], wanted: readonly unknown[]): unknown[] {
    const before = byName(running);
    const after = byName(wanted);
    for (const name of before.keys())
      if (!after.has(name))
        this.changes.push({ key: `${place.key}.${told(name)}`, change: 'removed', cost: place.cost });
    const next = new Map<string, unknown>();
    for (const [name, value] of after) {
      const key = `${place.key}.${told(name)}`;
      if (before.has(name)) next.set(name, this.compare({ ...place, key }, before.get(name), value));
      else {
        this.changes.push({ key, change: 'added', cost: place.cost });
        next.set(name, value);
      }
    }
    if (place.cost !== 'restart') return [...next.values()];
    return [...before].map(([name, value]) => next.get(name) ?? value);
  }
}

/** Whether what both have comes in another order. */
function isReordered(running: readonly unknown[], wanted: readonly unknown[]): boolean {
  const [before, after] = [byName(running), byName(wanted)];
  const stayed = [...before.keys()].filter((name) => after.has(name));
  return [...after.keys()].filter((name) => before.has(name)).some((name, i) => name !== stayed[i]);
}

/** Addresses have logins in them, and in their paths the secrets of chat services. */
function told(name: string): string {
  return (URL.canParse(name) && new URL(name).host) || name;
}

function byName(list: readonly unknown[]): Map<string, unknown> {
  const named = new Map<string, unknown>();
  list.forEach((value, i) => {
    // A backend that this build lacks has left a hole.
    if (!isTable(value)) return;
    named.set(String(value['name'] ?? value['url'] ?? i), value);
  });
  return named;
}
