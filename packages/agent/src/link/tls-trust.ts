import type { Logger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import type { Platform, TlsTrust } from '../platform/platform.ts';

/** What trust is made of. */
export interface TrustOptions {
  readonly platform: Pick<Platform, 'readFile'>;
  readonly logger: Logger;
  readonly agent: Pick<AgentConfig['agent'], 'caFile' | 'certificatePins' | 'serverUrls'>;
}

/**
 * How TLS checks the server at `url`: by the authorities of the system and of `agent.ca_file`. `agent.certificate_pins`
 * hold for the hosts that the agent has its tunnel with.
 */
export async function readTrust({ platform, logger, agent }: TrustOptions, url: string): Promise<TlsTrust> {
  const { caFile, certificatePins, serverUrls } = agent;
  const authority = caFile === undefined ? undefined : await platform.readFile(caFile);
  if (caFile !== undefined && !authority) logger.error('agent.ca_file does not exist', { file: caFile });
  const { host } = parseSourceUrl(url);
  return {
    pins: serverUrls.some((server) => parseSourceUrl(server).host === host) ? certificatePins : [],
    ...(authority && { authorities: [new TextDecoder().decode(authority)] }),
  };
}
