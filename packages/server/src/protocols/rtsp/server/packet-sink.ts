/** Where the datagrams of one track go. */
export interface PacketSink {
  /** Sends one packet, `bytes[start…end)`. */
  send(isRtcp: boolean, bytes: Uint8Array, start: number, end: number): void;
}
