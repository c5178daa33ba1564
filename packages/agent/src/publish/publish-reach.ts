import { WatchpostError } from '@watchpost/base/errors.ts';
import { authorityOf, parseSourceUrl } from '@watchpost/base/source-url.ts';
import { AllowList } from '../allow-list.ts';
import type { AgentConfig, Target } from '../config/agent-config.ts';

const defaultPorts: Readonly<Record<string, number>> = { rtsp: 554, rtsps: 322, rtmp: 1935, rtmps: 443 };

/** Where an address of `publish` leads, host in lower case. Throws `invalid_argument` (`URL_INVALID`). */
export function publishTarget(url: string): Target & { readonly scheme: string } {
  const { scheme, host, port = defaultPorts[scheme] ?? 0 } = parseSourceUrl(url);
  return { scheme, host: host.toLowerCase(), port };
}

/**
 * Why no stream is sent to an address that a server named, by a change from afar or a redirect; undefined where it may be: it
 * is the agent's server, or what that may reach anyway, or agent.json publishes there itself. `local`: agent.json without
 * changes. Names are compared as they are written: another spelling of an address is another address.
 */
export function publishRefusal(url: string, local: AgentConfig): WatchpostError | undefined {
  const { host, port } = publishTarget(url);
  const isNamed =
    local.agent.serverUrls.some((server) => publishTarget(server).host === host) ||
    local.publish.map((own) => publishTarget(own.url)).some((own) => own.host === host && own.port === port) ||
    new AllowList(local).mayOpen({ host, port });
  if (isNamed) return undefined;
  return new WatchpostError(
    `${authorityOf(host, port)} is neither this agent's server nor among the targets that it allows — publish there in agent.json, or add it to tunnel.targets, on the agent itself`,
    { kind: 'forbidden', code: 'AGENT_PUBLISH_NOT_ALLOWED' },
  );
}
