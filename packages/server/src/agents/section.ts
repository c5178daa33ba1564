import { z } from 'zod';
import { costsNothing, costsReaders, costsRestart } from '../config/change-cost.ts';
import type { RootSection } from '../config/types.ts';
import { duration } from '../config/values.ts';

/** How agents are taken in; the section as it is after validation. */
export interface TunnelSettings {
  /** Of the WebSocket that agents dial. */
  readonly path: string;
  /** Address that the ports of cameras are bound to. */
  readonly bind: string;
  readonly first_port: number;
  /** Seconds. */
  readonly resume_grace: number;
  readonly max_agents: number;
  /** Of one agent at a time. */
  readonly max_connections: number;
  /** Of one agent; 0 for no limit. */
  readonly max_bytes_per_second: number;
  /** Of the web pages of cameras, each on a port of its own from this one on; opened when somebody first asks for one. */
  readonly page_port: number;
  readonly page_ports: number;
  readonly page_bind: string;
  /** With `*` in the place of the camera's name; all of them share `page_port` then. */
  readonly page_url?: string | undefined;
  readonly auto_adopt: boolean;
  /** Of one agent while it sends what it kept. */
  readonly backfill_bytes_per_second: number;
}

const schema = z.strictObject({
  path: z
    .string()
    .regex(/^\/[a-z0-9/_-]{1,100}$/i, { message: 'write it as "/tunnel"' })
    .default('/tunnel')
    .describe('where agents connect')
    .meta(costsRestart),
  bind: z
    .union([z.ipv4(), z.ipv6()])
    .default('127.0.0.1')
    .describe('address of the local ports of cameras')
    .meta(costsRestart),
  first_port: z
    .int()
    .min(1)
    .max(65_535)
    .default(9554)
    .describe('first of the local ports; the next free ones follow')
    .meta(costsRestart),
  resume_grace: duration({ min: 1, max: 3600 })
    .default(60)
    .describe('how long connections outlive a tunnel that is cut'),
  max_agents: z.int().min(1).max(100_000).default(5000).describe('agents in all'),
  max_connections: z.int().min(1).max(256).default(64).describe('connections through one tunnel at a time'),
  max_bytes_per_second: z.int().min(0).default(0).describe('what one agent may send; 0 for no limit'),
  page_port: z
    .int()
    .min(0)
    .max(65_535)
    .default(9553)
    .describe("first port of cameras' own web pages")
    .meta(costsRestart),
  page_ports: z.int().min(1).max(256).default(16).describe('so many pages at a time, each on a port of its own'),
  page_bind: z
    .union([z.ipv4(), z.ipv6()], { error: 'must be an IP address — write "0.0.0.0" for all of this machine' })
    .default('0.0.0.0')
    .describe("address of cameras' own web pages; each link works once")
    .meta(costsRestart),
  page_url: z
    .string()
    .regex(/^https?:\/\/\*(\.[a-z0-9-]+)+(:\d{1,5})?$/i, { message: 'write it as "https://*.cameras.example"' })
    .optional()
    .describe('each camera has a host name of its own, all on page_port; names in the place of * must lead there')
    .meta(costsReaders),
  auto_adopt: z.boolean().default(false).describe('cameras that agents report become streams by themselves'),
  backfill_bytes_per_second: z
    .int()
    .min(10_000)
    .default(2_000_000)
    .describe('how fast one agent hands over what it kept during an outage'),
});

/** `[tunnel]`: agents and the ports of their cameras. */
export const tunnelSection: RootSection = {
  name: 'tunnel',
  place: 'root',
  schema: schema.prefault({}).meta(costsNothing),
};

/** The section of a configuration. */
export function tunnelSettings(sections: Readonly<Record<string, unknown>>): TunnelSettings {
  return (sections[tunnelSection.name] as TunnelSettings | undefined) ?? schema.parse({});
}
