import { malformed } from '@watchpost/media/codec/malformed.ts';

/** What a frame is (RFC 6455 §11.8). From `close` on frames are control frames. */
export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Why a WebSocket ends (RFC 6455 §7.4.1). */
export const closeCode = {
  normal: 1000,
  protocolError: 1002,
  unsupportedData: 1003,
  /** Stands for a close frame without a code; never sent. */
  none: 1005,
  invalidText: 1007,
  tooLarge: 1009,
} as const;

/** Most bytes that a control frame carries (RFC 6455 §5.5). */
export const maxControlBytes = 125;

/** The error for frames that cannot be: `malformed` (`WEBSOCKET_FRAME`); its context holds the `closeCode` to leave with. */
export function brokenFrame(code: number, message: string): Error {
  return malformed('WEBSOCKET_FRAME', message, { closeCode: code });
}
