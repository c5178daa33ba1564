import table from './vendor-paths.json' with { type: 'json' };

/** Where a vendor's cameras have their pictures, for channel 1. */
export interface VendorPaths {
  /** Stable, for `POST /probe`. */
  readonly id: string;
  readonly name: string;
  /** Paths with query of the main quality, the usual one first. */
  readonly main: readonly string[];
  /** Second quality: an entry belongs to the one of `main` at the same place. */
  readonly sub: readonly string[];
}

/** Vendors, the most common first: that is the order in which they are tried. */
export const vendorPaths: readonly VendorPaths[] = table;
