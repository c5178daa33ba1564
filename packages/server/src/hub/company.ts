import type { Writable } from 'node:stream';
import { type DirectSocket, directSocket, writeToAll } from '../net/direct-writes.ts';

/** What those who go in step are sent: one object for all whose bytes are the same. */
export interface Voice<T> {
  /** Bytes of the next item for each who got those before; empty for nothing; undefined where each must look at it itself. */
  bytesOf(item: T): Uint8Array | undefined;
  /** So many bytes were written, to all together. */
  sent(bytes: number): void;
}

/** A reader's owner while it goes in step. */
export interface Follower<T> {
  readonly socket: Writable;
  readonly voice: Voice<T>;
  /** It goes in step no longer. `last`: the newest item that it got so; undefined for none. `isBlocked`: its socket takes nothing until it has drained. */
  leftStep(last: T | undefined, isBlocked: boolean): void;
}

/** A place in a company; kept by who goes in step. */
export interface Member<T> {
  readonly follower: Follower<T> | undefined;
  /** Where its group has it. */
  place: number;
  /** It goes on by itself from the item at `index`. */
  left(index: number, last: T | undefined, isBlocked: boolean): void;
}

interface Group<T> {
  readonly voice: Voice<T>;
  /** Side by side, so that nothing of a member is touched but its socket. */
  sockets: DirectSocket[];
  members: Member<T>[];
}

/**
 * Readers that are up to date and all get the same bytes: hundreds of them cost one loop over their sockets. Each system
 * call leaves the processor's caches to the kernel's network stack; whatever else a reader is made of would be fetched
 * anew for each of its writes.
 */
export class Company<T> {
  #groups: Group<T>[] = [];
  /** The item told last while anybody went in step. */
  #last: T | undefined;
  #size = 0;
  /** Arrays that change meanwhile are other ones. */
  #isWriting = false;

  /** How many go in step. */
  get size(): number {
    return this.#size;
  }

  /** Somebody who got all that was told so far. */
  join(member: Member<T>): void {
    if (this.#size === 0) this.#last = undefined;
    const { voice, socket } = member.follower!;
    let group = this.#groups.find((other) => other.voice === voice);
    if (group === undefined) {
      group = { voice, sockets: [], members: [] };
      this.#groups.push(group);
    }
    member.place = group.members.length;
    group.sockets.push(directSocket(socket));
    group.members.push(member);
    this.#size++;
  }

  /** Nothing more is written for this one. */
  leave(member: Member<T>): void {
    const group = this.#groups.find(({ voice }) => voice === member.follower!.voice)!;
    if (this.#isWriting) {
      group.sockets = [...group.sockets];
      group.members = [...group.members];
    }
    const { sockets, members } = group;
    const { place } = member;
    const socket = sockets.pop()!;
    const other = members.pop()!;
    if (other !== member) {
      sockets[place] = socket;
      members[place] = other;
      other.place = place;
    }
    this.#size--;
    if (members.length === 0) this.#groups = this.#groups.filter((one) => one !== group);
  }

  /** Writes items to all; `first` is the index of the first one. */
  tell(items: readonly T[], first: number): void {
    const before = this.#last;
    for (const group of [...this.#groups]) this.#tellGroup(group, items, { first, before });
    this.#last = items.at(-1);
  }

  #tellGroup(
    group: Group<T>,
    items: readonly T[],
    from: { readonly first: number; readonly before: T | undefined },
  ): void {
    const parts: Uint8Array[] = [];
    let told = 0;
    for (; told < items.length; told++) {
      const bytes = group.voice.bytesOf(items[told]!);
      if (bytes === undefined) break;
      if (bytes.length > 0) parts.push(bytes);
    }
    const blocked = parts.length > 0 ? this.#write(group, parts) : [];
    const index = from.first + told;
    const last = told > 0 ? items[told - 1] : from.before;
    for (const member of blocked) this.#part(member, index, { last, isBlocked: true });
    if (told === items.length) return;
    for (const member of [...group.members]) this.#part(member, index, { last, isBlocked: false });
  }

  /** Returns those whose sockets are full. */
  #write({ voice, sockets, members }: Group<T>, parts: readonly Uint8Array[]): readonly Member<T>[] {
    const count = sockets.length;
    this.#isWriting = true;
    try {
      // One copy costs less than a second write for each of them.
      const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      return writeToAll(sockets, bytes).map((place) => members[place]!);
    } finally {
      this.#isWriting = false;
      for (const { length } of parts) voice.sent(length * count);
    }
  }

  #part(member: Member<T>, index: number, how: { readonly last: T | undefined; readonly isBlocked: boolean }): void {
    // It may be gone: somebody else's end took it along.
    if (member.follower === undefined) return;
    this.leave(member);
    member.left(index, how.last, how.isBlocked);
  }
}
