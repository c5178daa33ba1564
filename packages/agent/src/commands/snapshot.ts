import { WatchpostError } from '@watchpost/base/errors.ts';
import { authorityOf } from '@watchpost/base/source-url.ts';
import { requestWithLogin } from '../onvif/http-login.ts';
import type { OnvifAddress, OnvifCamera } from '../onvif/onvif-camera.ts';
import type { Platform } from '../platform/platform.ts';

const timeoutMs = 6000;
const maxPictureBytes = 4_000_000;

/** Where vendors have pictures, tried where ONVIF tells nothing. */
const vendorPaths = [
  '/cgi-bin/snapshot.cgi?channel=1',
  '/ISAPI/Streaming/channels/101/picture',
  '/axis-cgi/jpg/image.cgi',
  '/image.jpg',
] as const;

/** Where to ask; `path` in place of those that are known. */
export interface SnapshotAddress extends OnvifAddress {
  readonly path?: string | undefined;
}

/** A JPEG of the camera, taken by the camera itself. Throws `unsupported` (`AGENT_NO_SNAPSHOT`) where it gives none. */
export async function takeSnapshot(
  platform: Platform,
  address: SnapshotAddress,
  onvif: OnvifCamera,
): Promise<Uint8Array> {
  const base = `http://${authorityOf(address.host, address.port)}`;
  const paths = address.path === undefined ? vendorPaths : [address.path];
  const known = address.path === undefined ? await onvif.snapshotUrl().catch(() => undefined) : undefined;
  let last = 'it has no address for pictures';
  for (const url of [...(known === undefined ? [] : [known]), ...paths.map((path) => base + path)]) {
    try {
      const answer = await requestWithLogin(
        platform,
        { method: 'GET', url, timeoutMs, maxBytes: maxPictureBytes },
        address,
      );
      if (answer.status === 200 && answer.body[0] === 0xff && answer.body[1] === 0xd8) return answer.body;
      last = answer.status === 401 ? 'it refuses user or password' : `it answers ${answer.status}`;
      if (answer.status === 401) break;
    } catch (error) {
      last = (error as Error).message;
      // Nobody there answers any other path either.
      if (error instanceof WatchpostError && error.code !== 'AGENT_HTTP_SIZE') break;
    }
  }
  throw new WatchpostError(`the camera gives no picture: ${last} — the server can take one from the stream`, {
    kind: 'unsupported',
    code: 'AGENT_NO_SNAPSHOT',
  });
}
