import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import type { RequestSettings, RequestTemplate } from './section.ts';
import { type RegistrationTarget, type Send, successful } from './target.ts';
import { fillTemplate, insideJson, type TemplateVariables } from './template.ts';

/** Any system that takes a request for a camera: what is sent is written in the configuration. */
export function requestTarget(settings: RequestSettings): RegistrationTarget {
  const send = (template: RequestTemplate, variables: TemplateVariables, request: Send) =>
    request(
      template.method,
      fillTemplate(template.path, variables, encodeURIComponent),
      template.body === undefined ? undefined : fillTemplate(template.body, variables, insideJson),
    );
  return {
    headers: Object.fromEntries((settings.headers ?? []).map((line) => line.split(/: *(.*)/s).slice(0, 2))),
    put: async ({ streamId, title, name, address }, request) => {
      const { url, username = '', password = '' } = parseSourceUrl(address);
      const variables = { stream_id: streamId, title, name, url, username, password };
      const answer = successful(await send(settings.create, variables, request));
      return settings.id_from === undefined ? undefined : idIn(answer.json, settings.id_from);
    },
    remove: async ({ name, streamId, id = '' }, request) => {
      if (settings.remove === undefined) return;
      const answer = await send(settings.remove, { stream_id: streamId, title: '', name, id }, request);
      if (answer.status !== 404 && answer.status !== 410) successful(answer);
    },
  };
}

function idIn(json: unknown, path: string): string | undefined {
  let value = json;
  for (const key of path.split('.')) value = (value as Record<string, unknown> | null | undefined)?.[key];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
