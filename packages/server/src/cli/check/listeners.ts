import type { Config } from '../../config/types.ts';
import { type BindAddress, formatBind } from '../../net/bind-address.ts';
import { findPortHolder } from '../../net/port-holder.ts';
import { bindError } from '../ports.ts';
import type { Finding } from './finding.ts';

/** Each TCP port of the configuration: free, or who holds it. */
export async function checkListeners(config: Config): Promise<Finding[]> {
  const listeners: { key: string; bind: BindAddress }[] = [{ key: 'http.bind', bind: config.http.bind }];
  for (const name of config.protocols.enabled) {
    const { bind, bind_tls: bindTls, tls_cert: certificate } = config.protocols.sections[name] ?? {};
    if (isBindAddress(bind)) listeners.push({ key: `protocols.${name}.bind`, bind });
    if (isBindAddress(bindTls) && certificate !== undefined)
      listeners.push({ key: `protocols.${name}.bind_tls`, bind: bindTls });
  }
  const first = new Map<number, string>();
  const findings: Finding[] = [];
  for (const { key, bind } of listeners) {
    const earlier = first.get(bind.port);
    if (earlier === undefined || bind.port === 0) findings.push(await checkListener(key, bind));
    else
      findings.push({
        status: 'bad',
        what: `port ${bind.port}`,
        text: `${key} and ${earlier} are the same`,
        cure: `another port for ${key}`,
      });
    first.set(bind.port, key);
  }
  return findings;
}

async function checkListener(key: string, bind: BindAddress): Promise<Finding> {
  const what = `port ${bind.port}`;
  const error = await bindError(bind);
  if (!error) return { status: 'fine', what, text: `${key} is free` };
  if (error.code === 'EADDRINUSE') {
    const holder = await findPortHolder(bind.port);
    const who = holder ? `${holder.name} (pid ${holder.pid})` : 'another program';
    return { status: 'bad', what, text: `${key} is taken by ${who}`, cure: 'end that program, or name another port' };
  }
  if (error.code === 'EACCES')
    return {
      status: 'bad',
      what,
      text: `${key} needs rights`,
      cure: 'take a port above 1023, or AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit',
    };
  if (error.code === 'EADDRNOTAVAIL')
    return {
      status: 'bad',
      what,
      text: `${key}: ${bind.host} is no address of this machine`,
      cure: `"0.0.0.0:${bind.port}" listens on all`,
    };
  return { status: 'bad', what, text: `${key} ${formatBind(bind)}: ${error.message}`, cure: 'check the address' };
}

function isBindAddress(value: unknown): value is BindAddress {
  return typeof value === 'object' && value !== null && 'host' in value && 'port' in value;
}
