import { WatchpostError } from '@watchpost/base/errors.ts';
import { authorityOf } from '@watchpost/base/source-url.ts';
import {
  type PtzVelocity,
  writeContinuousMove,
  writeGotoHome,
  writeGotoPreset,
  writePtzStop,
} from '@watchpost/media/onvif/ptz.ts';
import {
  attributeOf,
  elements,
  elementText,
  escapeXml,
  faultOf,
  onvifNamespaces,
  writeEnvelope,
} from '@watchpost/media/onvif/soap.ts';
import type { Platform } from '../platform/platform.ts';
import { requestWithLogin } from './http-login.ts';

/** How to reach a camera's ONVIF device service. */
export interface OnvifAddress {
  readonly host: string;
  readonly port: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** What a camera says that it is. */
export interface DeviceInformation {
  readonly vendor?: string;
  readonly model?: string;
  readonly firmware?: string;
}

const timeoutMs = 6000;
const maxAnswerBytes = 512 * 1024;

interface Services {
  readonly media: string;
  readonly ptz: string | undefined;
}

/** The part of ONVIF that the agent needs: who the camera is, its snapshot address, and PTZ. One request at a time. */
export class OnvifCamera {
  readonly #platform: Platform;
  readonly #address: OnvifAddress;
  #clockOffsetMs: number | undefined;
  #services: Services | undefined;
  #profile: { token: string; hasPtz: boolean } | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(platform: Platform, address: OnvifAddress) {
    this.#platform = platform;
    this.#address = address;
  }

  /** GetDeviceInformation (ONVIF Core §8.3.2). */
  information(): Promise<DeviceInformation> {
    return this.#inTurn(async () => {
      const xml = await this.#call(this.#deviceUrl, `<GetDeviceInformation xmlns="${onvifNamespaces.device}"/>`);
      const vendor = elementText(xml, 'Manufacturer');
      const model = elementText(xml, 'Model');
      const firmware = elementText(xml, 'FirmwareVersion');
      return { ...(vendor && { vendor }), ...(model && { model }), ...(firmware && { firmware }) };
    });
  }

  /** GetSnapshotUri (ONVIF Media §5.15.5), at the address that we know the camera by. */
  snapshotUrl(): Promise<string> {
    return this.#inTurn(async () => {
      const { media } = await this.#findServices();
      const { token } = await this.#findProfile(media);
      const body = `<GetSnapshotUri xmlns="${onvifNamespaces.media}"><ProfileToken>${escapeXml(token)}</ProfileToken></GetSnapshotUri>`;
      const uri = elementText(await this.#call(media, body), 'Uri');
      if (uri === undefined || !URL.canParse(uri)) throw unsupported('gives no address for snapshots');
      return this.#atKnownHost(uri);
    });
  }

  /** Moves for `durationMs`, then stops; resolves after the stop. */
  async move(velocity: PtzVelocity, durationMs: number): Promise<void> {
    const { url, token } = await this.#inTurn(() => this.#findPtz());
    const timeoutS = Math.ceil(durationMs / 1000) + 1;
    await this.#inTurn(() => this.#call(url, writeContinuousMove(token, velocity, timeoutS)));
    await new Promise<void>((resolve) => this.#platform.clock.after(durationMs, resolve));
    await this.stop();
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      const { url, token } = await this.#findPtz();
      await this.#call(url, writePtzStop(token));
    });
  }

  /** Goes to a preset by its token; without one to the home position. */
  goTo(preset: string | undefined): Promise<void> {
    return this.#inTurn(async () => {
      const { url, token } = await this.#findPtz();
      await this.#call(url, preset === undefined ? writeGotoHome(token) : writeGotoPreset(token, preset));
    });
  }

  get #deviceUrl(): string {
    const { host, port } = this.#address;
    return `http://${authorityOf(host, port)}/onvif/device_service`;
  }

  /** Many cameras cannot answer two requests at once. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work, work);
    this.#queue = result.catch(() => {});
    return result;
  }

  async #findPtz(): Promise<{ url: string; token: string }> {
    const { media, ptz } = await this.#findServices();
    const { token, hasPtz } = await this.#findProfile(media);
    if (ptz === undefined || !hasPtz) throw unsupported('does not move');
    return { url: ptz, token };
  }

  async #findServices(): Promise<Services> {
    if (this.#services) return this.#services;
    const body = `<GetCapabilities xmlns="${onvifNamespaces.device}"><Category>All</Category></GetCapabilities>`;
    const xml = await this.#call(this.#deviceUrl, body);
    const addressIn = (name: string) => {
      const inner = elements(xml, name)[0]?.inner;
      const url = inner === undefined ? undefined : elementText(inner, 'XAddr');
      return url !== undefined && URL.canParse(url) ? this.#atKnownHost(url) : undefined;
    };
    this.#services = { media: addressIn('Media') ?? this.#deviceUrl, ptz: addressIn('PTZ') };
    return this.#services;
  }

  /** The first profile that moves, else the first. */
  async #findProfile(media: string): Promise<{ token: string; hasPtz: boolean }> {
    if (this.#profile) return this.#profile;
    const xml = await this.#call(media, `<GetProfiles xmlns="${onvifNamespaces.media}"/>`);
    const profiles = elements(xml, 'Profiles').flatMap(({ tag, inner }) => {
      const token = attributeOf(tag, 'token');
      return token === undefined ? [] : [{ token, hasPtz: /<(?:[\w-]+:)?PTZConfiguration[\s>]/.test(inner) }];
    });
    const profile = profiles.find(({ hasPtz }) => hasPtz) ?? profiles[0];
    if (!profile) throw unsupported('has no media profile');
    this.#profile = profile;
    return profile;
  }

  /** Cameras tell addresses of their own idea, or of the network before a router: the host is the one that we reach. */
  #atKnownHost(uri: string): string {
    const url = new URL(uri);
    url.hostname = this.#address.host;
    if (['', '80'].includes(url.port) && this.#address.port !== 80 && url.protocol === 'http:')
      url.port = String(this.#address.port);
    return url.href;
  }

  async #call(url: string, body: string): Promise<string> {
    if (this.#address.username !== undefined) this.#clockOffsetMs ??= await this.#askClock();
    const answer = await this.#post(url, writeEnvelope(body, this.#token()));
    // Where WS-UsernameToken is switched off, HTTP Digest without it is what remains (ONVIF Core §5.9.4).
    if (answer.status === 401) return textOf(await this.#post(url, writeEnvelope(body)));
    return textOf(answer);
  }

  #token() {
    const { username, password = '' } = this.#address;
    if (username === undefined) return undefined;
    const created = new Date(this.#platform.clock.wallMs() + (this.#clockOffsetMs ?? 0)).toISOString();
    return { username, password, nonce: this.#platform.crypto.randomBytes(16), created };
  }

  #post(url: string, envelope: string) {
    const body = new TextEncoder().encode(envelope);
    const headers = { 'content-type': 'application/soap+xml; charset=utf-8' };
    return requestWithLogin(
      this.#platform,
      { method: 'POST', url, headers, body, timeoutMs, maxBytes: maxAnswerBytes },
      this.#address,
    );
  }

  /** How far the camera's clock is ahead; its tokens are refused where ours is not its time. */
  async #askClock(): Promise<number> {
    try {
      const answer = await this.#post(
        this.#deviceUrl,
        writeEnvelope(`<GetSystemDateAndTime xmlns="${onvifNamespaces.device}"/>`),
      );
      const utc = elements(new TextDecoder().decode(answer.body), 'UTCDateTime')[0]?.inner;
      if (utc === undefined) return 0;
      const part = (name: string) => Number(elementText(utc, name));
      const wallMs = Date.UTC(
        part('Year'),
        part('Month') - 1,
        part('Day'),
        part('Hour'),
        part('Minute'),
        part('Second'),
      );
      return Number.isFinite(wallMs) ? wallMs - this.#platform.clock.wallMs() : 0;
    } catch {
      return 0;
    }
  }
}

function textOf(answer: { status: number; body: Uint8Array }): string {
  const xml = new TextDecoder().decode(answer.body);
  const fault = faultOf(xml);
  if (fault) throw fault;
  if (answer.status === 401)
    throw new WatchpostError('the camera refuses the user by ONVIF', {
      kind: 'unauthenticated',
      code: 'ONVIF_NOT_AUTHORIZED',
    });
  if (answer.status >= 400) throw unsupported(`answers ${answer.status} by ONVIF`);
  return xml;
}

function unsupported(what: string): WatchpostError {
  return new WatchpostError(`the camera ${what}`, { kind: 'unsupported', code: 'ONVIF_UNSUPPORTED' });
}
