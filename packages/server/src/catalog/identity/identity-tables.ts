/** People and programs that may come in. Secrets are kept as hashes only. */
export interface IdentityTables {
  users: {
    id: string;
    name: string;
    /** `admin`, `operator` or `viewer` */
    role: string;
    /** Text of `hashPassword`. */
    password: string;
    created_ms: number;
    /** JSON list of the streams that the user is limited to; null for all. */
    streams: string | null;
  };
  sessions: {
    id: string;
    /** Text of `hashSecret`. */
    hash: string;
    user_id: string;
    created_ms: number;
    used_ms: number;
    expires_ms: number;
    address: string;
    user_agent: string;
  };
  api_tokens: {
    id: string;
    /** Text of `hashSecret`. */
    hash: string;
    name: string;
    user_id: string;
    created_ms: number;
    used_ms: number | null;
    expires_ms: number | null;
    /** Null: that of the user. */
    role: string | null;
    /** JSON list of the streams that the token is limited to; null for all of the user's. */
    streams: string | null;
  };
  signing_keys: {
    purpose: string;
    key: Uint8Array;
    created_ms: number;
  };
}
