import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import {
  type AgentMessage,
  type CameraReport,
  type HealthReport,
  parseAgentMessage,
  type TargetsMessage,
} from '@watchpost/tunnel/messages/agent-message.ts';
import { parseChannelRequest } from '@watchpost/tunnel/messages/request.ts';
import { type CommandName, type ServerMessage, writeServerMessage } from '@watchpost/tunnel/messages/server-message.ts';
import type { WindowBudget } from '@watchpost/tunnel/receive-window.ts';
import { type ResetReason, resetError } from '@watchpost/tunnel/reset-reason.ts';
import { TunnelSession } from '@watchpost/tunnel/session.ts';
import { type AnnouncedLimits, serverLimits } from '@watchpost/tunnel/session-limits.ts';
import type { Channel, LinkLoss } from '@watchpost/tunnel/types.ts';
import { ReplyReader } from './reply-reader.ts';

/** Milliseconds for the answer to a command. */
const commandTimeoutMs = 60_000;
/** Commands that wait for their answer. */
const maxCommands = 32;

/** What a session tells whoever keeps the agents. */
export interface AgentSessionEvents {
  targets(message: TargetsMessage): void;
  cameras(cameras: readonly CameraReport[]): void;
  backfillOffer(offer: Extract<AgentMessage, { type: 'backfill_offer' }>): void;
  notice(notice: Extract<AgentMessage, { type: 'notice' }>): void;
  linkLost(cause: LinkLoss): void;
  closed(reason: ResetReason): void;
}

/** What a session is made of. */
export interface AgentSessionOptions {
  readonly agentId: string;
  readonly sessionId: string;
  readonly instance: string;
  readonly clock: Clock;
  readonly graceMs: number;
  readonly peer: AnnouncedLimits;
  readonly budget: WindowBudget;
  readonly events: AgentSessionEvents;
}

/** What a command came to. */
export interface CommandResult {
  readonly ok: boolean;
  readonly error?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  /** A picture or log that came beside the answer. */
  readonly attachment?: { readonly name: string; readonly bytes: Uint8Array };
}

interface WaitingCommand {
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (reason: WatchpostError) => void;
  readonly cancelTimer: () => void;
  readonly reply: ReplyReader;
  result: CommandResult | undefined;
}

/** One run of one agent, over all of its connections: what it reports, and what it is told to do. */
export class AgentSession {
  readonly agentId: string;
  readonly sessionId: string;
  readonly instance: string;
  readonly tunnel: TunnelSession;
  readonly #options: AgentSessionOptions;
  readonly #commands = new Map<string, WaitingCommand>();
  #lastCommand = 0;
  #cameras: readonly CameraReport[] = [];
  #health: { report: HealthReport; atMs: number } | undefined;

  constructor(options: AgentSessionOptions) {
    this.#options = options;
    this.agentId = options.agentId;
    this.sessionId = options.sessionId;
    this.instance = options.instance;
    this.tunnel = new TunnelSession({
      role: 'server',
      clock: options.clock,
      limits: serverLimits,
      peer: options.peer,
      graceMs: options.graceMs,
      budget: options.budget,
      defer: setImmediate,
      handler: {
        open: (channel, request) => this.#onOpen(channel, request),
        message: (bytes) => this.#onMessage(bytes),
        linkLost: (cause) => options.events.linkLost(cause),
        closed: (reason) => this.#onClosed(reason),
      },
    });
  }

  /** What the agent said last of itself; `atMs` is wall-clock time. */
  get health(): { readonly report: HealthReport; readonly atMs: number } | undefined {
    return this.#health;
  }

  /** What the agent found. */
  get cameras(): readonly CameraReport[] {
    return this.#cameras;
  }

  /** Tells the agent something. */
  say(message: ServerMessage): void {
    this.tunnel.sendMessage(writeServerMessage(message));
  }

  /** Tells the agent to do something. Rejects with `timeout` after a minute, `unavailable` where the session ends before. */
  command(command: CommandName, params: Readonly<Record<string, unknown>>): Promise<CommandResult> {
    if (this.#commands.size >= maxCommands)
      return Promise.reject(
        new WatchpostError(`The agent "${this.agentId}" has ${maxCommands} commands to answer already`, {
          kind: 'resource_exhausted',
          code: 'AGENT_BUSY',
        }),
      );
    const id = String(++this.#lastCommand);
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#options.clock.after(commandTimeoutMs, () => {
        this.#commands.delete(id);
        reject(
          new WatchpostError(`The agent "${this.agentId}" did not answer "${command}" within a minute`, {
            kind: 'timeout',
            code: 'AGENT_COMMAND_TIMEOUT',
          }),
        );
      });
      const reply = new ReplyReader(() => this.#settle(id));
      this.#commands.set(id, { resolve, reject, cancelTimer, reply, result: undefined });
      this.say({ type: 'command', command_id: id, command, params });
    });
  }

  #onOpen(channel: Channel, bytes: Uint8Array): void {
    let request: ReturnType<typeof parseChannelRequest>;
    try {
      request = parseChannelRequest(bytes);
    } catch (thrown) {
      if (!(thrown instanceof WatchpostError) || thrown.kind !== 'unsupported') throw thrown;
      channel.reset('not_allowed');
      return;
    }
    const waiting = request.kind === 'reply' ? this.#commands.get(request.commandId) : undefined;
    if (request.kind === 'reply' && waiting) waiting.reply.take(channel, request.name);
    else channel.reset('not_allowed');
  }

  #onMessage(bytes: Uint8Array): void {
    const { events, clock } = this.#options;
    const message = parseAgentMessage(bytes);
    switch (message?.type) {
      case 'targets':
        events.targets(message);
        break;
      case 'cameras':
        this.#cameras = message.cameras;
        events.cameras(message.cameras);
        break;
      case 'health':
        this.#health = { report: message.health, atMs: clock.wallMs() };
        break;
      case 'backfill_offer':
        events.backfillOffer(message);
        break;
      case 'notice':
        events.notice(message);
        break;
      case 'command_result':
        this.#onResult(message);
        break;
    }
  }

  #onResult({ command_id, ok, error, data }: Extract<AgentMessage, { type: 'command_result' }>): void {
    const waiting = this.#commands.get(command_id);
    if (!waiting) return;
    waiting.result = { ok, ...(error !== undefined && { error }), ...(data && { data }) };
    this.#settle(command_id);
  }

  /** A command is answered once its result is there, and what came beside it is whole. */
  #settle(id: string): void {
    const waiting = this.#commands.get(id);
    if (!waiting?.result || waiting.reply.isUnfinished) return;
    this.#commands.delete(id);
    waiting.cancelTimer();
    const { attachment } = waiting.reply;
    waiting.resolve(attachment ? { ...waiting.result, attachment } : waiting.result);
  }

  #onClosed(reason: ResetReason): void {
    for (const waiting of this.#commands.values()) {
      waiting.cancelTimer();
      waiting.reject(resetError(reason));
    }
    this.#commands.clear();
    this.#options.events.closed(reason);
  }
}
