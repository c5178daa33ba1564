import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';

const lookEveryMs = 10_000;
const maxFileBytes = 1024 * 1024;
const dayMs = 24 * 3_600_000;
/** A renewal that was forgotten or fails is told from here on, once a day. */
const tellBelowDays = 14;

/** Where a listener's certificate is, PEM. */
export interface CertificateFiles {
  /** With the certificates between it and the root, if there are any. */
  readonly certFile: string;
  readonly keyFile: string;
}

/** What `tls.createServer` and `setSecureContext` take. */
export interface CertificateText {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A certificate that must be renewed. */
export interface ExpiringCertificate {
  /** Key of the configuration that names it: `http.tls`. */
  readonly setting: string;
  readonly certFile: string;
  /** Below 0 it has expired. */
  readonly daysLeft: number;
}

/** What a certificate is opened with. */
export interface CertificateParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when it is opened or renewed and once a day while it has under 14 days left; below 0 it has expired. */
  readonly onExpiring?: (daysLeft: number, files: CertificateFiles) => void;
}

/** Whether the days that a certificate has left call for its renewal. */
export function isExpiring(daysLeft: number): boolean {
  return daysLeft < tellBelowDays;
}

/**
 * A certificate and its key, read again when the files change, or others are named: those of public authorities are renewed
 * every few weeks. New ones that do not fit each other are told and not taken; they may be written just now.
 */
export class Certificate implements Disposable {
  readonly #files: () => CertificateFiles;
  readonly #parts: CertificateParts;
  readonly #changed = new Set<(text: CertificateText) => void>();
  #text: CertificateText;
  #seen: string;
  #cancel: (() => void) | undefined;
  #disposed = false;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  /** Why the files that there are now were not taken. */
  #refused = '';

  private constructor(
    files: () => CertificateFiles,
    parts: CertificateParts,
    first: { text: CertificateText; seen: string },
  ) {
    this.#files = files;
    this.#parts = parts;
    this.#text = first.text;
    this.#seen = first.seen;
    this.#tellExpiry();
    this.#lookLater();
  }

  /** Reads both files, as they are named now. Throws `invalid_argument` (`CERTIFICATE_INVALID`) naming the file and what is wrong. */
  static async open(files: () => CertificateFiles, parts: CertificateParts): Promise<Certificate> {
    const named = files();
    const seen = await stampOf(named);
    return new Certificate(files, parts, { text: await read(named), seen });
  }

  /** The newest that fit each other. */
  get text(): CertificateText {
    return this.#text;
  }

  /** Whole days until it expires; below 0 it has. */
  get daysLeft(): number {
    const { validToDate } = new X509Certificate(this.#text.cert);
    return Math.floor((validToDate.getTime() - this.#parts.clock.wallMs()) / dayMs);
  }

  /** Calls `changed` with each new certificate. */
  onChange(changed: (text: CertificateText) => void): void {
    this.#changed.add(changed);
  }

  /** Looks at the files now; otherwise every 10 s. */
  async look(): Promise<void> {
    try {
      const files = this.#files();
      const seen = await stampOf(files);
      const text = seen === this.#seen ? undefined : await read(files);
      this.#refused = '';
      if (text === undefined || this.#disposed) return;
      this.#seen = seen;
      this.#text = text;
      for (const changed of this.#changed) changed(text);
      this.#parts.logger.info('New certificate', { file: files.certFile, daysLeft: this.daysLeft });
      this.#toldAtMs = Number.NEGATIVE_INFINITY;
    } catch (thrown) {
      const { message } = thrown as Error;
      if (message !== this.#refused) this.#parts.logger.warn('The certificate stays as it was', { error: message });
      this.#refused = message;
    }
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#cancel?.();
    this.#changed.clear();
  }

  #lookLater(): void {
    if (this.#disposed) return;
    this.#cancel = this.#parts.clock.after(lookEveryMs, () => {
      void this.look().then(() => {
        this.#tellExpiry();
        this.#lookLater();
      });
    });
  }

  #tellExpiry(): void {
    const { clock, logger, onExpiring } = this.#parts;
    const nowMs = clock.wallMs();
    if (this.#disposed || nowMs - this.#toldAtMs < dayMs) return;
    this.#toldAtMs = nowMs;
    const { daysLeft } = this;
    if (!isExpiring(daysLeft)) return;
    const files = this.#files();
    const what = daysLeft < 0 ? 'The certificate has expired' : 'The certificate expires soon';
    logger.warn(what, { file: files.certFile, daysLeft });
    onExpiring?.(daysLeft, files);
  }
}

async function read({ certFile, keyFile }: CertificateFiles): Promise<CertificateText> {
  const text = { cert: await readBounded(certFile), key: await readBounded(keyFile) };
  try {
    createSecureContext(text);
    new X509Certificate(text.cert);
  } catch (thrown) {
    throw invalid(`"${certFile}" and "${keyFile}" are no certificate and its key`, thrown);
  }
  return text;
}

async function readBounded(file: string): Promise<Buffer> {
  try {
    if ((await stat(file)).size > maxFileBytes) throw new Error('it is larger than 1 MiB');
    return await readFile(file);
  } catch (thrown) {
    throw invalid(`the certificate file "${file}" cannot be read`, thrown);
  }
}

/** What changes when the files do; empty where one is missing. */
async function stampOf({ certFile, keyFile }: CertificateFiles): Promise<string> {
  const stamps = await Promise.all(
    [certFile, keyFile].map((file) =>
      stat(file).then(
        ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
        () => '',
      ),
    ),
  );
  return [certFile, keyFile, ...stamps].join();
}

function invalid(what: string, cause: unknown): WatchpostError {
  return new WatchpostError(`${what} — ${(cause as Error).message}; name PEM files that this user may read`, {
    kind: 'invalid_argument',
    code: 'CERTIFICATE_INVALID',
    cause,
  });
}
