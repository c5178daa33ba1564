import { z } from 'zod';
import { costsNothing } from '../../config/change-cost.ts';
import type { RootSection } from '../../config/types.ts';
import { knownVariables, unknownVariables } from './template.ts';

/** What every registration has. */
interface CommonSettings {
  /** Names it in the API, in events and in the database. */
  readonly name: string;
  readonly url: string;
  /** What is registered: streams of ours, or the local ports of agents' cameras. */
  readonly of: 'streams' | 'tunnels';
  /** Stream ids, or ids of agents; `*` stands for any part of one. */
  readonly streams: readonly string[];
  /** Where the other system finds a stream, with `{stream_id}`. */
  readonly address: string;
  /** How the stream is called there. */
  readonly remote_name: string;
}

/** Flussonic Media Server: a stream that it pulls. */
export interface FlussonicSettings extends CommonSettings {
  readonly type: 'flussonic';
  readonly username: string;
  readonly password: string;
}

/** Flussonic Watcher: a camera. */
export interface WatcherSettings extends CommonSettings {
  readonly type: 'watcher';
  readonly api_key: string;
}

/** Any other system. */
export interface RequestSettings extends CommonSettings {
  readonly type: 'request';
  readonly create: RequestTemplate;
  readonly remove?: RequestTemplate | undefined;
  /** `Name: value` each. */
  readonly headers?: readonly string[] | undefined;
  readonly id_from?: string | undefined;
}

/** One request with variables in it. */
export interface RequestTemplate {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Appended to `url`. */
  readonly path: string;
  readonly body?: string | undefined;
}

/** One system that streams are registered in, as the file has it. */
export type RegistrationSettings = FlussonicSettings | WatcherSettings | RequestSettings;

/** The registrations of a configuration. */
export function registrationSettings(sections: Readonly<Record<string, unknown>>): readonly RegistrationSettings[] {
  return (sections[registrationsSection.name] ?? []) as readonly RegistrationSettings[];
}

const httpUrl = z.string().superRefine((value, context) => {
  const message = 'write it as "https://HOST"; user name and password have keys of their own';
  if (!/^https?:\/\/[^/@]+(\/[^@]*)?$/.test(value) || !URL.canParse(value))
    context.addIssue({ code: 'custom', message });
});

const template = z.string().superRefine((value, context) => {
  const unknown = unknownVariables(value);
  if (unknown.length === 0) return;
  const message = `{${unknown[0]}} is not known — there are ${knownVariables}`;
  context.addIssue({ code: 'custom', message });
});

const common = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'use a-z, 0-9, "_" and "-"')
    .describe('names it in the API and in events; keep it, or what was registered under it is left behind'),
  url: httpUrl.describe('address of the other system'),
  of: z.enum(['streams', 'tunnels']).default('streams').describe('tunnels: the RTSP ports of cameras behind agents'),
  streams: z
    .array(z.string().regex(/^[a-z0-9_.*-]+$/, 'use a-z, 0-9, "_", "-", "." and "*"'))
    .min(1)
    .default(['*'])
    .describe('ids of streams, or of agents; "*" stands for any part'),
  address: template.describe('where the other system finds a stream'),
  remote_name: template.default('{stream_id}').describe('how the stream is called there'),
};

const requestTemplate = (method: 'POST' | 'DELETE') =>
  z.strictObject({
    method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']).default(method).describe('HTTP method'),
    path: template.describe('appended to url'),
    body: template.optional().describe('JSON with variables inside its strings'),
  });

const keysOf = {
  flussonic: { needs: ['username', 'password'], may: [] },
  watcher: { needs: ['api_key'], may: [] },
  request: { needs: ['create'], may: ['remove', 'headers', 'id_from'] },
} as const;
const keysOfTypes = Object.values(keysOf).flatMap(({ needs, may }) => [...needs, ...may]);

function checkKeysOfType(
  entry: { readonly type: keyof typeof keysOf } & Readonly<Record<string, unknown>>,
  context: { addIssue(issue: { code: 'custom'; path: string[]; message: string }): void },
): void {
  const { needs, may } = keysOf[entry.type];
  const own: readonly string[] = [...needs, ...may];
  for (const key of needs)
    if (entry[key] === undefined)
      context.addIssue({ code: 'custom', path: [key], message: `type "${entry.type}" needs it` });
  for (const key of keysOfTypes)
    if (entry[key] !== undefined && !own.includes(key))
      context.addIssue({ code: 'custom', path: [key], message: `type "${entry.type}" does not have it — remove it` });
}

/** `[[registrations]]`: other systems that our streams are made known to. */
export const registrationsSection: RootSection = {
  name: 'registrations',
  place: 'root',
  schema: z
    .array(
      z
        .strictObject({
          type: z.enum(['flussonic', 'watcher', 'request']).describe('what kind of system it is'),
          ...common,
          username: z.string().min(1).optional().describe('edit_auth of Flussonic Media Server'),
          password: z.string().min(1).optional().describe('edit_auth of Flussonic Media Server'),
          api_key: z.string().min(1).optional().describe('API key of Watcher'),
          headers: z
            .array(z.string().regex(/^[A-Za-z0-9-]+: *[\x20-\x7e]+$/, 'write it as "Name: value"'))
            .optional()
            .describe('sent with each request'),
          create: requestTemplate('POST').optional().describe('sent for each stream, and again when it changes'),
          remove: requestTemplate('DELETE').optional().describe('sent when a stream is gone'),
          id_from: z
            .string()
            .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, 'write it as "camera.id"')
            .optional()
            .describe('where the answer to create has the {id} for remove: "id", "camera.id"'),
        })
        .superRefine(checkKeysOfType),
    )
    .superRefine((list, context) => {
      const seen = new Set<string>();
      for (const [i, { name }] of list.entries()) {
        if (seen.has(name)) context.addIssue({ code: 'custom', path: [i, 'name'], message: `"${name}" is taken` });
        seen.add(name);
      }
    })
    .default([])
    .meta(costsNothing),
};
