import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { KeyPair } from '@watchpost/tunnel/handshake/crypto.ts';
import type { CameraReport } from '@watchpost/tunnel/messages/agent-message.ts';
import type { Selectable } from 'kysely';
import type { Database } from '../database.ts';
import type { AgentTables } from './agent-tables.ts';

/** An agent as it is remembered. */
export interface AgentRecord {
  readonly id: string;
  /** Missing after its release, until it enrols again. */
  readonly publicKey?: Uint8Array;
  /** ms since 1970 UTC */
  readonly revokedMs?: number;
  readonly enrolledBy?: string;
  readonly createdMs: number;
  readonly seenMs?: number;
  readonly address?: string;
  readonly software?: string;
  readonly epoch: number;
  readonly cameras: readonly CameraReport[];
}

/** A local port that stands for a port of a camera. */
export interface AgentPort {
  readonly agentId: string;
  readonly host: string;
  readonly port: number;
  readonly service: 'rtsp' | 'http' | 'tcp';
  readonly localPort: number;
  /** What the agent wished when it was given this one. */
  readonly wishedPort?: number | undefined;
}

/** Remembers agents, their keys and their ports. */
export class AgentStore {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** The server's own key, made at the first start; agents pin it. */
  async serverKeys(): Promise<KeyPair> {
    const purpose = 'tunnel';
    const made = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
    await this.#database
      .insertInto('signing_keys')
      .values({ purpose, key: new Uint8Array(made), created_ms: this.#nowMs() })
      .onConflict((conflict) => conflict.column('purpose').doNothing())
      .execute();
    const { key } = await this.#database
      .selectFrom('signing_keys')
      .select('key')
      .where('purpose', '=', purpose)
      .executeTakeFirstOrThrow();
    const privateKey = createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' });
    const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
    return { privateKey: new Uint8Array(key), publicKey: new Uint8Array(Buffer.from(x!, 'base64url')) };
  }

  /** All agents, by id. */
  async list(): Promise<readonly AgentRecord[]> {
    return (await this.#database.selectFrom('agents').selectAll().orderBy('id').execute()).map(toRecord);
  }

  /** One agent. */
  async find(id: string): Promise<AgentRecord | undefined> {
    const row = await this.#database.selectFrom('agents').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toRecord(row);
  }

  /** How many agents there are that may connect. */
  async count(): Promise<number> {
    const { count } = await this.#database
      .selectFrom('agents')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('revoked_ms', 'is', null)
      .executeTakeFirstOrThrow();
    return count;
  }

  /**
   * Pins the key that came with a token, in one step with the token's use: the first key wins. False where another key
   * was faster, or the token was used up meanwhile.
   */
  async enrol(id: string, publicKey: Uint8Array, tokenId: string): Promise<boolean> {
    const nowMs = this.#nowMs();
    return this.#database.transaction().execute(async (transaction) => {
      const known = await transaction
        .selectFrom('agents')
        .select(['public_key', 'revoked_ms'])
        .where('id', '=', id)
        .executeTakeFirst();
      if (known && (known.public_key !== null || known.revoked_ms !== null)) return false;
      const used = await transaction
        .updateTable('enrolment_tokens')
        .set((eb) => ({ uses: eb('uses', '+', 1) }))
        .where('id', '=', tokenId)
        .where('expires_ms', '>', nowMs)
        .whereRef('uses', '<', 'max_uses')
        .returning('id')
        .executeTakeFirst();
      if (!used) return false;
      await transaction
        .insertInto('agents')
        .values({ id, public_key: publicKey, enrolled_by: tokenId, created_ms: nowMs, epoch: 0 })
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet({ public_key: publicKey, enrolled_by: tokenId, created_ms: nowMs }),
        )
        .execute();
      return true;
    });
  }

  /** Counts a connection; its number is higher than that of any before. Undefined where the agent may not connect any more. */
  async nextEpoch(id: string, seen: { address: string; software: string | undefined }): Promise<number | undefined> {
    const row = await this.#database
      .updateTable('agents')
      .set((eb) => ({
        epoch: eb('epoch', '+', 1),
        seen_ms: this.#nowMs(),
        address: seen.address,
        software: seen.software ?? null,
      }))
      .where('id', '=', id)
      .where('revoked_ms', 'is', null)
      .where('public_key', 'is not', null)
      .returning('epoch')
      .executeTakeFirst();
    return row?.epoch;
  }

  /** Notes when the agent was there last. */
  async seen(id: string): Promise<void> {
    await this.#database.updateTable('agents').set({ seen_ms: this.#nowMs() }).where('id', '=', id).execute();
  }

  /** Keeps the cameras that it reported. */
  async setCameras(id: string, cameras: readonly CameraReport[]): Promise<void> {
    await this.#database
      .updateTable('agents')
      .set({ cameras: JSON.stringify(cameras) })
      .where('id', '=', id)
      .execute();
  }

  /** The agent is never let in again, until it is released. Thrown `not_found`. */
  async revoke(id: string): Promise<void> {
    const { numUpdatedRows } = await this.#database
      .updateTable('agents')
      .set({ revoked_ms: this.#nowMs() })
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw unknownAgent(id);
    await this.#database.deleteFrom('agent_ports').where('agent_id', '=', id).execute();
  }

  /** Forgets the pinned key: the next one that comes with a token is taken. Thrown `not_found`. */
  async release(id: string): Promise<void> {
    const { numUpdatedRows } = await this.#database
      .updateTable('agents')
      .set({ public_key: null, revoked_ms: null })
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw unknownAgent(id);
  }

  /** All local ports that were ever given and not taken back. */
  async ports(): Promise<readonly AgentPort[]> {
    const rows = await this.#database.selectFrom('agent_ports').selectAll().orderBy('local_port').execute();
    return rows.map((row) => ({
      agentId: row.agent_id,
      host: row.host,
      port: row.port,
      service: row.service as AgentPort['service'],
      localPort: row.local_port,
      wishedPort: row.wished_port ?? undefined,
    }));
  }

  /** Keeps the port, in place of what the target had. */
  async setPort({ agentId, host, port, service, localPort, wishedPort }: AgentPort): Promise<void> {
    const given = { service, local_port: localPort, wished_port: wishedPort ?? null };
    await this.#database
      .insertInto('agent_ports')
      .values({ agent_id: agentId, host, port, ...given })
      .onConflict((conflict) => conflict.columns(['agent_id', 'host', 'port']).doUpdateSet(given))
      .execute();
  }

  /** Takes the port back. */
  async removePort({ agentId, host, port }: Pick<AgentPort, 'agentId' | 'host' | 'port'>): Promise<void> {
    await this.#database
      .deleteFrom('agent_ports')
      .where('agent_id', '=', agentId)
      .where('host', '=', host)
      .where('port', '=', port)
      .execute();
  }

  #nowMs(): number {
    return Math.round(this.#clock.wallMs());
  }
}

/** There is no agent of that id. */
export function unknownAgent(id: string): WatchpostError {
  return new WatchpostError(`There is no agent "${id}" — see GET /api/v1/agents`, {
    kind: 'not_found',
    code: 'AGENT_NOT_FOUND',
  });
}

function toRecord(row: Selectable<AgentTables['agents']>): AgentRecord {
  return {
    id: row.id,
    createdMs: row.created_ms,
    epoch: row.epoch,
    cameras: row.cameras === null ? [] : JSON.parse(row.cameras),
    ...(row.public_key && { publicKey: new Uint8Array(row.public_key) }),
    ...(row.revoked_ms !== null && { revokedMs: row.revoked_ms }),
    ...(row.enrolled_by !== null && { enrolledBy: row.enrolled_by }),
    ...(row.seen_ms !== null && { seenMs: row.seen_ms }),
    ...(row.address !== null && { address: row.address }),
    ...(row.software !== null && { software: row.software }),
  };
}
