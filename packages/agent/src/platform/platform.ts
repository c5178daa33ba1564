import type { Clock } from '@watchpost/base/clock.ts';
import type { HandshakeCrypto } from '@watchpost/tunnel/handshake/crypto.ts';
import type { Transport } from '@watchpost/tunnel/types.ts';

/** A TCP connection. */
export interface Connection {
  /** False where more waits than is good: `onDrain` tells when to go on. The bytes must not change any more. */
  write(bytes: Uint8Array): boolean;
  /** No more is written; the other direction stays open. */
  end(): void;
  /** Closes both directions at once. */
  destroy(): void;
  /** Reads no more until `resume`. */
  pause(): void;
  resume(): void;
  /** Bytes written that the system has not taken yet. */
  readonly waitingBytes: number;
}

/** What a connection calls. After `onClose` nothing comes. */
export interface ConnectionHandler {
  /** The bytes may be kept. */
  onData(bytes: Uint8Array): void;
  onDrain?(): void;
  /** The other end sends no more; without this the connection is closed then. */
  onEnd?(): void;
  onClose(error?: Error): void;
}

/** How TLS checks the other end: always against the system's authorities, and more. */
export interface TlsTrust {
  /** PEM texts of authorities to trust besides the system's. */
  readonly authorities?: readonly string[];
  /** Base64 of SHA-256 of public keys (RFC 7469 §2.4) of which one must be in the chain; then the authority does not matter. */
  readonly pins?: readonly string[];
}

/** Where to connect to. */
export interface DialOptions {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** TLS with this trust. */
  readonly tls?: TlsTrust;
}

/** What a WebSocket calls. */
export interface WebSocketHandler {
  onMessage(message: Uint8Array): void;
  onDrain(): void;
  onClose(error?: Error): void;
}

/** How to open a WebSocket. */
export interface WebSocketOptions {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly timeoutMs: number;
  readonly maxMessageBytes: number;
  readonly trust: TlsTrust;
  /** HTTP proxy, by CONNECT. */
  readonly proxy?: string;
  readonly signal?: AbortSignal;
}

/** A request by HTTP; to cameras and for downloads. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly timeoutMs: number;
  /** Larger answers are refused. */
  readonly maxBytes: number;
  readonly trust?: TlsTrust;
}

/** An answer by HTTP. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What the machine tells about itself; what it does not know is missing. */
export interface HostFacts {
  readonly platform: 'linux' | 'openwrt' | 'axis' | 'openipc' | 'container';
  readonly architecture: string;
  readonly hostname: string;
  readonly uptimeS: number;
  /** Busy share of all processors since the last call, 0…1. */
  readonly cpuLoad?: number;
  /** Busy share of one processor by this program since the last call. */
  readonly ownCpuLoad?: number;
  readonly memoryTotalBytes?: number;
  readonly memoryFreeBytes?: number;
  readonly ownMemoryBytes: number;
  readonly temperatureC?: number;
  /** Of a wireless interface, in dBm. */
  readonly signalDbm?: number;
  readonly linkMbitPerS?: number;
  readonly addresses: readonly string[];
  /** Unchanging, from the first network interface or the machine's id: eight hexadecimal digits. */
  readonly machineTag: string;
}

/** The run of the machine: from its start to its end, over all starts of the agent. */
export interface MachineBoot {
  /** Twelve hexadecimal digits; a new one at each start of the machine. */
  readonly id: string;
  /** What the machine had run when `clock.monotonicMs()` was 0, ms. */
  readonly clockZeroMs: number;
  /** What the machine slept since its start without `clock.monotonicMs()` going on, ms. */
  sleptMs(): number;
}

/** The only way in which the agent touches the machine that it runs on. A port to another runtime is this interface. */
export interface Platform {
  readonly clock: Clock;
  readonly boot: MachineBoot;
  readonly crypto: HandshakeCrypto;
  dial(options: DialOptions, handler: ConnectionHandler): Promise<Connection>;
  openWebSocket(options: WebSocketOptions, handler: WebSocketHandler): Promise<Transport>;
  request(request: HttpRequest): Promise<HttpAnswer>;
  /** Sends datagrams from each interface and hands over what comes back until `waitMs` passed. */
  askByMulticast(
    question: MulticastQuestion,
    onAnswer: (answer: Uint8Array, fromAddress: string) => void,
  ): Promise<void>;
  /** Undefined where there is no such file. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /** Replaces the file as a whole; only its owner may read it. Synced to the disk unless told otherwise. */
  writeFile(path: string, bytes: Uint8Array, options?: { readonly sync: boolean }): Promise<void>;
  removeFile(path: string): Promise<void>;
  /** Names in a folder; none where there is no folder. */
  listFolder(path: string): Promise<readonly string[]>;
  /** Runs `task` soon, after what has come meanwhile. */
  defer(task: () => void): void;
  hostFacts(): HostFacts;
  /** Value of an environment variable. */
  environment(name: string): string | undefined;
}

/** Datagrams to a group. */
export interface MulticastQuestion {
  readonly messages: readonly Uint8Array[];
  readonly group: string;
  readonly port: number;
  /** More hosts that are asked one by one. */
  readonly hosts: readonly string[];
  readonly waitMs: number;
  readonly signal?: AbortSignal;
}
