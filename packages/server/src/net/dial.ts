import type { Socket } from 'node:net';

/** How to reach the other end. */
export interface DialTarget {
  readonly host: string;
  readonly port: number;
  /** Refused or unanswered for so long: `timeout`. Default 10 000 ms. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /**
   * Called for each read with a buffer that is overwritten after the call: copy what is kept. Replaces the 'data' event
   * (`onread` of node:net), so that no stream machinery runs for each packet.
   */
  readonly onRead?: (bytes: number, buffer: Uint8Array) => void;
}

/** Opens a TCP connection; rejects with kind `unavailable` (refused, no route, unknown host) or `timeout`, message with the next step. */
export type Dial = (target: DialTarget) => Promise<Socket>;
