import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Rights } from '../../catalog/identity/types.ts';
import type { GrantWatch } from './grant-watch.ts';
import { anybody } from './principal.ts';

/** Cuts the answer once `check` throws for whoever asked: a file of hours is under way for long. */
export function cutDownload(
  watch: GrantWatch,
  { principal }: Pick<FastifyRequest, 'principal'>,
  { raw, check }: { readonly raw: ServerResponse; readonly check: (rights: Rights) => void },
): void {
  const grant = watch.grant(principal ?? anybody, { check });
  // Its length is announced, so that a cut is seen as one.
  raw.once(
    'close',
    grant.onEnd(() => raw.destroy()),
  );
}
