/** How many tiles a page of the grid has; `auto` shows all. */
export type GridSize = 'auto' | '1' | '4' | '9' | '16';

/** All sizes, in the order in which G goes through them. */
export const gridSizes: readonly GridSize[] = ['auto', '1', '4', '9', '16'];

/** How the tiles are laid out. */
export interface GridLayout {
  readonly columns: number;
  /** Rows that share the height of the window; null where tiles keep 16:9 and the page scrolls. */
  readonly rows: number | null;
  readonly perPage: number;
}

const narrowPx = 640;
const smallestTilePx = 300;

/** Chooses columns and rows for a number of tiles in an area. */
export function layOutGrid(size: GridSize, tiles: number, area: { width: number; height: number }): GridLayout {
  if (size !== 'auto') {
    const side = Math.sqrt(Number(size));
    const narrow = area.width < narrowPx;
    const columns = narrow ? Math.min(side, size === '4' ? 1 : 2) : side;
    return { columns, rows: narrow && side > 1 ? null : side, perPage: Number(size) };
  }
  if (area.width < narrowPx) return { columns: 1, rows: null, perPage: Math.max(1, tiles) };
  let best = { columns: 1, rows: 1, width: 0 };
  for (let columns = 1; columns <= Math.max(1, tiles); columns++) {
    const rows = Math.max(1, Math.ceil(tiles / columns));
    const width = Math.min(area.width / columns, (area.height / rows) * (16 / 9));
    // Side by side is easier to look at than one below the other: a little smaller is good enough.
    if (width > best.width * 0.94) best = { columns, rows, width };
  }
  if (best.width >= smallestTilePx) return { columns: best.columns, rows: best.rows, perPage: Math.max(1, tiles) };
  return { columns: Math.max(1, Math.floor(area.width / smallestTilePx)), rows: null, perPage: Math.max(1, tiles) };
}

/** Which tile an arrow key leads to; stays where there is none. */
export function moveFocus(index: number, key: string, grid: { columns: number; count: number }): number {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -grid.columns,
    ArrowDown: grid.columns,
  };
  const next = index + (steps[key] ?? 0);
  return next >= 0 && next < grid.count ? next : index;
}
