import { fromBase64 } from '@watchpost/base/base64.ts';
import { toHex } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Platform } from '../platform/platform.ts';

/** A new version of the agent's one file, as a server offers it. */
export interface UpdateOffer {
  readonly version: string;
  /** Where the file is: `https:`, or `http:` of any host, for the signature is what counts. */
  readonly url?: string;
  /** Its SHA-256 in hexadecimal; the signature covers it anyway. */
  readonly sha256?: string;
  /** Or the file itself in base64. */
  readonly bundle?: string;
  /** Base64 of the ed25519 signature over `watchpost-agent VERSION SHA256HEX`. */
  readonly signature: string;
}

const maxBundleBytes = 1_000_000;
const downloadTimeoutMs = 60_000;

/** The text that the signature of an update covers: the version too, so that nobody can pass an old file as new. */
export function updateStatement(version: string, sha256: Uint8Array): Uint8Array {
  return new TextEncoder().encode(`watchpost-agent ${version} ${toHex(sha256)}`);
}

/**
 * Fetches and checks an update and puts it where the start script finds it, on trial. The caller restarts then. Throws
 * `unsupported` where the agent was not installed from a package, `forbidden` (`AGENT_UPDATE_SIGNATURE`) for a signature
 * that is not by the key of the configuration, `conflict` for a version that is not newer.
 */
export async function stageUpdate(
  platform: Platform,
  offer: UpdateOffer,
  { updateKey, present }: { updateKey: string | undefined; present: string },
): Promise<void> {
  const folder = platform.environment('WATCHPOST_AGENT_UPDATES');
  if (folder === undefined)
    throw new WatchpostError(
      'this agent was not started by the script of its package — update it the way it was installed',
      {
        kind: 'unsupported',
        code: 'AGENT_UPDATE_UNSUPPORTED',
      },
    );
  if (updateKey === undefined)
    throw new WatchpostError('this agent has no key for updates — set agent.update_key on the agent itself', {
      kind: 'unsupported',
      code: 'AGENT_UPDATE_NO_KEY',
    });
  if (compareVersions(offer.version, present) <= 0)
    throw new WatchpostError(`version ${offer.version} is not newer than ${present}, which runs`, {
      kind: 'conflict',
      code: 'AGENT_UPDATE_OLD',
    });
  const bundle = await bundleOf(platform, offer);
  const { crypto } = platform;
  const hash = await crypto.sha256(bundle);
  if (offer.sha256 !== undefined && offer.sha256.toLowerCase() !== toHex(hash))
    throw new WatchpostError('the update was damaged on its way — nothing was changed; try again', {
      kind: 'data_loss',
      code: 'AGENT_UPDATE_DAMAGED',
    });
  const statement = updateStatement(offer.version, hash);
  if (!(await crypto.verify(fromBase64(updateKey), fromBase64(offer.signature), statement)))
    throw new WatchpostError(
      'the signature of the update is not by the key that this agent trusts — nothing was changed',
      {
        kind: 'forbidden',
        code: 'AGENT_UPDATE_SIGNATURE',
      },
    );
  await platform.removeFile(`${folder}/tried`);
  await platform.writeFile(`${folder}/trial.js`, bundle);
}

/**
 * Called once the server knows this agent again: a version on trial becomes the one that is started from now on. True
 * where it was one.
 */
export async function confirmUpdate(platform: Platform): Promise<boolean> {
  const folder = platform.environment('WATCHPOST_AGENT_UPDATES');
  if (folder === undefined || !(await platform.readFile(`${folder}/tried`))) return false;
  const trial = await platform.readFile(`${folder}/trial.js`);
  if (trial) {
    await platform.writeFile(`${folder}/current.js`, trial);
    // In this order: without `tried` the watch of the start script ends, without `trial.js` nothing is tried again.
    await platform.removeFile(`${folder}/trial.js`);
  }
  await platform.removeFile(`${folder}/tried`);
  return trial !== undefined;
}

/** Notes which version is on trial, so that whichever runs next can tell how it went. */
export async function rememberUpdate(platform: Platform, stateDir: string, version: string): Promise<void> {
  await platform.writeFile(`${stateDir}/pending-update`, new TextEncoder().encode(version));
}

/** What `rememberUpdate` noted; it is forgotten thereby. */
export async function takePendingUpdate(platform: Platform, stateDir: string): Promise<string | undefined> {
  const path = `${stateDir}/pending-update`;
  const bytes = await platform.readFile(path);
  if (!bytes) return undefined;
  await platform.removeFile(path);
  return new TextDecoder().decode(bytes);
}

/** Below zero where `a` is older; numbers between dots, then what follows a dash, which is older than nothing. */
export function compareVersions(a: string, b: string): number {
  const [aCore = '', aPre] = a.split('-', 2);
  const [bCore = '', bPre] = b.split('-', 2);
  const aParts = aCore.split('.').map(Number);
  const bParts = bCore.split('.').map(Number);
  for (let i = 0; i < Math.max(aParts.length, bParts.length); i++) {
    const difference = (aParts[i] ?? 0) - (bParts[i] ?? 0);
    if (difference !== 0) return Number.isNaN(difference) ? -1 : difference;
  }
  if (aPre === bPre) return 0;
  if (aPre === undefined || bPre === undefined) return aPre === undefined ? 1 : -1;
  return aPre < bPre ? -1 : 1;
}

async function bundleOf(platform: Platform, offer: UpdateOffer): Promise<Uint8Array> {
  if (offer.bundle !== undefined) {
    if (offer.bundle.length > (maxBundleBytes * 4) / 3 + 4) throw tooLarge();
    return fromBase64(offer.bundle);
  }
  const url = offer.url ?? '';
  if (!/^https?:\/\//.test(url))
    throw new WatchpostError('an update needs the address of a file, or the file', {
      kind: 'invalid_argument',
      code: 'AGENT_UPDATE_SOURCE',
    });
  const answer = await platform.request({ method: 'GET', url, timeoutMs: downloadTimeoutMs, maxBytes: maxBundleBytes });
  if (answer.status === 200) return answer.body;
  throw new WatchpostError(`the update could not be fetched: the server answered ${answer.status}`, {
    kind: 'unavailable',
    code: 'AGENT_UPDATE_SOURCE',
  });
}

function tooLarge(): WatchpostError {
  return new WatchpostError('the update is larger than 1 MB', { kind: 'malformed', code: 'AGENT_UPDATE_SIZE' });
}
