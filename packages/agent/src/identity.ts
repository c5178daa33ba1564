import { fromBase64, toBase64 } from '@watchpost/base/base64.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { KeyPair } from '@watchpost/tunnel/handshake/crypto.ts';
import { isAgentId } from '@watchpost/tunnel/handshake/messages.ts';
import type { Platform } from './platform/platform.ts';

/** Who the agent is: kept in `identity.json` of its state folder, which only its owner reads. */
export interface AgentIdentity {
  readonly agentId: string;
  /** ed25519: the private key as PKCS #8, the public one raw. */
  readonly keys: KeyPair;
  /** The server's key: pinned at the first enrolment, or by the configuration. */
  readonly serverKey?: Uint8Array;
}

interface IdentityFile {
  readonly agent_id: string;
  readonly private_key: string;
  readonly public_key: string;
  readonly server_key?: string;
}

/**
 * The identity of the state folder, made at the first start. `wantedId` is the configuration's; without it the name of the
 * machine with a tag of its hardware, so that one package serves many machines.
 */
export async function openIdentity(
  platform: Platform,
  { stateDir, wantedId, serverKey }: { stateDir: string; wantedId: string | undefined; serverKey: string | undefined },
): Promise<AgentIdentity> {
  const path = identityPath(stateDir);
  const bytes = await platform.readFile(path);
  const pinned = serverKey === undefined ? {} : { serverKey: fromBase64(serverKey) };
  if (bytes) {
    const kept = parse(bytes, path);
    if (wantedId === undefined || wantedId === kept.agentId) return { ...kept, ...pinned };
    // Another name is another agent: a copied state folder must not make two agents with one key.
    const renamed: AgentIdentity = { keys: await platform.crypto.makeKeyPair(), agentId: wantedId, ...pinned };
    await saveIdentity(platform, stateDir, renamed);
    return renamed;
  }
  const identity: AgentIdentity = {
    keys: await platform.crypto.makeKeyPair(),
    agentId: wantedId ?? nameOf(platform),
    ...pinned,
  };
  await saveIdentity(platform, stateDir, identity);
  return identity;
}

/** Writes the identity down. */
export async function saveIdentity(platform: Platform, stateDir: string, identity: AgentIdentity): Promise<void> {
  const file: IdentityFile = {
    agent_id: identity.agentId,
    private_key: toBase64(identity.keys.privateKey),
    public_key: toBase64(identity.keys.publicKey),
    ...(identity.serverKey && { server_key: toBase64(identity.serverKey) }),
  };
  await platform.writeFile(identityPath(stateDir), new TextEncoder().encode(`${JSON.stringify(file, null, 2)}\n`));
}

function identityPath(stateDir: string): string {
  return `${stateDir}/identity.json`;
}

function nameOf(platform: Platform): string {
  const { hostname, machineTag } = platform.hostFacts();
  const plain = hostname
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replaceAll(/^[-_]+|-+$/g, '')
    .slice(0, 40);
  return `${plain || 'agent'}-${machineTag}`;
}

function parse(bytes: Uint8Array, path: string): AgentIdentity {
  try {
    const file = JSON.parse(new TextDecoder().decode(bytes)) as IdentityFile;
    const identity = {
      agentId: file.agent_id,
      keys: { privateKey: fromBase64(file.private_key), publicKey: fromBase64(file.public_key) },
      ...(file.server_key !== undefined && { serverKey: fromBase64(file.server_key) }),
    };
    if (isAgentId(identity.agentId) && identity.keys.publicKey.length === 32) return identity;
  } catch {
    // Told below.
  }
  throw new WatchpostError(
    `${path} is damaged — remove it; the agent then makes a new key, and an administrator has to release its name on the server`,
    { kind: 'data_loss', code: 'AGENT_IDENTITY_DAMAGED' },
  );
}
