import { concatBytes } from '@watchpost/base/bytes.ts';
import { protocolError } from './protocol-error.ts';

/** Most bytes of one message: the agent's one file fits in base64, for an update without an address. */
export const maxSessionMessageBytes = 320 * 1024;

/** Puts messages together from the frames that bring them. */
export class MessageParts {
  #parts: Uint8Array[] = [];
  #bytes = 0;

  /** Takes a part; the message once it is whole. */
  add(payload: Uint8Array, more: boolean): Uint8Array | undefined {
    this.#bytes += payload.length;
    if (this.#bytes > maxSessionMessageBytes || (more && payload.length === 0))
      throw protocolError('a control message is too long');
    this.#parts.push(payload);
    if (more) return undefined;
    const message = this.#parts.length === 1 ? payload : concatBytes(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    return message;
  }
}
