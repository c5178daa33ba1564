import { formatKeyPath, isTable, type KeyPath, valueAt } from './key-path.ts';

/** One table or key of an older file that has a new place. */
export interface Translation {
  readonly from: KeyPath;
  readonly to: KeyPath;
  readonly note: string;
}

const ROOT_KEYS = ['data_dir', 'http', 'auth', 'protocols', 'recording', 'storage', 'keyframe', 'tunnel', 'cameras'];

/**
 * Moves what older files wrote as `[video.X]`, `[media.X]` and `flv.enable` to its place, in `root` itself. A key that
 * stands at both places keeps the new one.
 */
export function translateOlderFile(root: Record<string, unknown>): Translation[] {
  const translations: Translation[] = [];
  for (const section of ['video', 'media']) {
    const old = root[section];
    if (!isTable(old)) continue;
    delete root[section];
    for (const [key, value] of Object.entries(old)) {
      const to = ROOT_KEYS.includes(key) ? [key] : ['protocols', key];
      const from = [section, key];
      place(root, to, value);
      translations.push({ from, to, note: `[${formatKeyPath(from)}] is [${formatKeyPath(to)}] now` });
    }
  }
  if (isTable(root['flv'])) {
    place(root, ['protocols', 'flv'], root['flv']);
    delete root['flv'];
    translations.push({ from: ['flv'], to: ['protocols', 'flv'], note: '[flv] is [protocols.flv] now' });
  }
  translateFlvEnable(root, translations);
  return translations;
}

function translateFlvEnable(root: Record<string, unknown>, translations: Translation[]): void {
  const flv = valueAt(root, ['protocols', 'flv']);
  if (!isTable(flv) || typeof flv['enable'] !== 'boolean') return;
  const wanted = flv['enable'];
  delete flv['enable'];
  const enabled = valueAt(root, ['protocols', 'enabled']);
  if (Array.isArray(enabled)) {
    const others = enabled.filter((name) => name !== 'flv');
    (root['protocols'] as Record<string, unknown>)['enabled'] = wanted ? [...others, 'flv'] : others;
  }
  const place = wanted ? 'with' : 'without';
  const note = `flv.enable = ${wanted} is protocols.enabled ${place} "flv" now`;
  translations.push({ from: ['protocols', 'flv', 'enable'], to: ['protocols', 'enabled'], note });
}

/** Tables are merged, the newer one wins; anything else only takes an empty place. */
function place(root: Record<string, unknown>, to: readonly string[], value: unknown): void {
  const [first, ...rest] = to;
  if (first === undefined) return;
  if (rest.length > 0) {
    if (!isTable(root[first])) root[first] = {};
    place(root[first] as Record<string, unknown>, rest, value);
    return;
  }
  const present = root[first];
  if (isTable(present) && isTable(value)) root[first] = { ...value, ...present };
  else if (present === undefined) root[first] = value;
}
