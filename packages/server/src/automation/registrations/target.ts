import type { HttpAnswer } from './http-call.ts';

/** A stream as another system is to know it. */
export interface RemoteStream {
  readonly streamId: string;
  readonly title: string;
  /** How it is called there. */
  readonly name: string;
  /** Where it is found, with credentials. */
  readonly address: string;
}

/** What is under a name there. `ours`: as we would make it. */
export type Found = 'nothing' | 'ours' | 'other';

/** Sends one request to the system: method, path below its address, body. */
export type Send = (method: string, path: string, body?: string) => Promise<HttpAnswer>;

/** How one kind of system is told of streams. */
export interface RegistrationTarget {
  /** Headers of each request: who we are. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined where it cannot be asked. */
  find?(stream: RemoteStream, send: Send): Promise<Found>;
  /** Makes or changes it; returns the system's own id, where it has one. Throws `RefusedError` on any answer but success. */
  put(stream: RemoteStream, send: Send): Promise<string | undefined>;
  /** Removes what was made under the name; all is well if it is gone already. */
  remove(stream: { readonly name: string; readonly streamId: string; readonly id?: string }, send: Send): Promise<void>;
}

/** An answer that was no success. */
export class RefusedError extends Error {
  /** Another attempt with the same request would fare no better (RFC 9110 §15.5). */
  readonly isFinal: boolean;

  constructor({ status, text }: HttpAnswer) {
    super(
      status === 401 || status === 403
        ? `it answered ${status}: check its credentials`
        : `it answered ${status}: ${text}`,
    );
    this.name = 'RefusedError';
    this.isFinal = status === 400 || status === 409 || status === 415 || status === 422;
  }
}

/** The answer if it is a success; throws `RefusedError`. */
export function successful(answer: HttpAnswer): HttpAnswer {
  if (answer.status < 200 || answer.status > 299) throw new RefusedError(answer);
  return answer;
}
