import { concatBytes } from '@watchpost/base/bytes.ts';
import { malformed } from '../codec/malformed.ts';
import { type AmfObject, type AmfValue, type ReadAmf3, readAmf0, writeAmf0 } from '../container/flv/amf0.ts';
import { messageType } from './codes.ts';

/** A command (RTMP 1.0 §7.2): its name, its transaction, the command object or null, and what follows. */
export interface RtmpCommand {
  readonly name: string;
  /** 0 where no answer is expected. */
  readonly transaction: number;
  readonly object: AmfValue;
  readonly args: readonly AmfValue[];
}

/** Reads a command message; one of type 17 has a byte before its AMF0 values, which may change to AMF3. Throws `malformed`. */
export function readCommand(type: number, body: Uint8Array, readAmf3?: ReadAmf3): RtmpCommand {
  const start = type === messageType.commandAmf3 ? 1 : 0;
  const [name, transaction, object, ...args] = readAmf0(body, start, readAmf3);
  if (typeof name !== 'string') throw malformed('RTMP_COMMAND', 'An RTMP command without a name.');
  return { name, transaction: typeof transaction === 'number' ? transaction : 0, object, args };
}

/** Body of a command message in AMF0. */
export function writeCommand(name: string, transaction: number, values: readonly AmfValue[]): Uint8Array {
  return concatBytes([writeAmf0(name), writeAmf0(transaction), ...values.map(writeAmf0)]);
}

/** What `onStatus` and `_result` tell (§7.2.2). */
export interface RtmpStatus {
  readonly level: 'status' | 'error';
  readonly code: string;
  readonly description: string;
}

/** A property of an AMF object that is text; empty where it is not. */
export function textOf(value: AmfValue, key: string): string {
  const property = isObject(value) ? value[key] : undefined;
  return typeof property === 'string' ? property : '';
}

/** True for objects and ECMA arrays. */
export function isObject(value: AmfValue): value is AmfObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
