import type { SourceUrl } from '@watchpost/base/source-url.ts';
import type { z } from 'zod';
import type { BindAddress } from '../net/bind-address.ts';
import type { CertificateFiles } from '../net/certificate.ts';
import type { RecordingRules } from './recording-rules.ts';
import type { ParsedConfig } from './schema.ts';

/** A part of a disk: so many bytes, or per cent of its size. */
export type DiskShare = { readonly bytes: number } | { readonly percent: number };

/** A camera as the file defines it. `subSource` is the stream `ID.sub`. */
export interface CameraConfig {
  readonly id: string;
  readonly title: string;
  /** In order of preference; at least one. Credentials are apart from the address. */
  readonly sources: readonly SourceUrl[];
  readonly subSource?: SourceUrl;
  /** Where else it is sent to. */
  readonly push: readonly SourceUrl[];
  readonly record: boolean;
  /** Missing where it is recorded without a pause. */
  readonly recording?: RecordingRules;
  /** Pulled only while somebody watches or records. */
  readonly onDemand: boolean;
}

/** A place that recordings are written to. */
export interface StorageBackendConfig {
  readonly type: 'local';
  readonly name: string;
  /** Absolute. */
  readonly basePath: string;
  readonly retentionDays: number;
  /** The oldest recordings go when the backend holds more. */
  readonly maxBytes?: DiskShare;
  /** The oldest recordings go when less of the disk is free. */
  readonly minFree: DiskShare;
}

/** How streams become files. */
export interface RecordingConfig {
  readonly enabled: boolean;
  /** Length of one file. */
  readonly segmentDurationSeconds: number;
  readonly retentionDays: number;
  /** First delay before a lost camera is dialled again; it grows from there. */
  readonly reconnectDelaySeconds: number;
  readonly preRollSeconds: number;
  readonly postRollSeconds: number;
  readonly maxEventSeconds: number;
}

/** The whole configuration, validated, with every default filled in and every path absolute. */
export interface Config {
  /** Absolute. Database, identity, caches. */
  readonly dataDir: string;
  /** Absolute. Files below it may be cameras; none where it is missing. */
  readonly mediaDir?: string;
  /** HTTPS only where `tls` is given. */
  readonly http: { readonly bind: BindAddress; readonly tls?: CertificateFiles };
  readonly auth: { readonly mode: 'required' | 'none'; readonly hosts: readonly string[] };
  readonly protocols: {
    readonly enabled: readonly string[];
    /** What each protocol's own schema made of its section; every protocol of this build has an entry. */
    readonly sections: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  readonly recording: RecordingConfig;
  readonly storage: { readonly policy: 'primary_backup'; readonly backends: readonly StorageBackendConfig[] };
  readonly cameras: readonly CameraConfig[];
  /** What the sections at the root (`place: 'root'`) made of the file. */
  readonly sections: Readonly<Record<string, unknown>>;
}

/** A protocol's section of the configuration file, `[protocols.NAME]`; the protocol's folder declares it. */
export interface ConfigSection {
  readonly name: string;
  readonly place?: 'protocols';
  /**
   * A `z.strictObject` in the file's snake case; each key has a default or is optional, and a `.describe()`. What a change
   * costs is in `.meta()` (change-cost.ts), a restart where it is missing.
   */
  readonly schema: z.ZodType<Record<string, unknown>>;
  /** URL schemes of cameras that this protocol pulls. */
  readonly schemes?: readonly string[];
  /** As that of the protocol; asked for addresses of `schemes`. */
  readonly checkSource?: (source: SourceUrl) => void;
  /** Nobody reaches us by it, so there is nothing in it to switch on. */
  readonly pullsOnly?: boolean;
  /** Keys that name a file or folder: relative ones start at the folder of the configuration file. */
  readonly paths?: readonly string[];
  /** Keys that are documented but do not work in this build: they are reported and left out. */
  readonly later?: readonly string[];
}

/** A section at the root of the file, `[NAME]` or `[[NAME]]`; the folder that reads it declares it. */
export interface RootSection extends Omit<ConfigSection, 'place' | 'schema' | 'schemes' | 'checkSource'> {
  readonly place: 'root';
  /** As that of a protocol, or a list; with a default. */
  readonly schema: z.ZodType;
  readonly schemes?: undefined;
  readonly checkSource?: undefined;
}

/** What the parts of a build bring to the configuration file. */
export type ConfigSections = readonly (ConfigSection | RootSection)[];

/** Something to tell whoever wrote the file. */
export interface ConfigMessage {
  /** The file as it was named. */
  readonly file: string;
  /** From 1; missing where the place cannot be named. */
  readonly line?: number;
  /** From 1; only where the place is within a line. */
  readonly column?: number;
  /** The line itself and a caret below it, for terminals. */
  readonly excerpt?: string;
  /** `cameras[2].url`; empty for the file as a whole. */
  readonly key: string;
  /** What is wrong. */
  readonly text: string;
  /** What to do about it. */
  readonly cure?: string;
}

/** A configuration that can be used, and what is odd about it. */
export interface LoadedConfig {
  readonly config: Config;
  /** The same in the file's words; for comparing with a later reading. */
  readonly settings: ParsedConfig;
  /** The file as it was named. */
  readonly file: string;
  /** Its absolute path. */
  readonly path: string;
  readonly warnings: readonly ConfigMessage[];
}
