import type { FastifyInstance, FastifyPluginCallback } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { AccessControl } from '../hub/types.ts';
import { adoptReported } from './adopt-cameras.ts';
import { MediaAccess } from './auth/access-control.ts';
import { Authenticator } from './auth/authenticator.ts';
import { GrantWatch } from './auth/grant-watch.ts';
import { type GuardOptions, guard } from './auth/guard.ts';
import { LoginThrottle } from './auth/login-throttle.ts';
import { PasswordLogin } from './auth/password-login.ts';
import type { ApiDependencies } from './dependencies.ts';
import { EventUpgrades } from './event-upgrades.ts';
import { ServerMetrics } from './metrics/server-metrics.ts';
import { describeRoutes, openApiDocument } from './openapi.ts';
import { agentRoutes } from './routes/agents.ts';
import { auditRoutes } from './routes/audit.ts';
import { configRoutes } from './routes/config.ts';
import { descriptionRoute } from './routes/description.ts';
import { doctorRoutes } from './routes/doctor.ts';
import { eventRoutes } from './routes/events.ts';
import { exportRoutes } from './routes/exports.ts';
import { healthRoutes } from './routes/health.ts';
import { lockRoutes } from './routes/locks.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { playRoute } from './routes/play.ts';
import { probeRoutes } from './routes/probe.ts';
import { publishRoute } from './routes/publish.ts';
import { recordingRoutes } from './routes/recordings.ts';
import { registrationRoutes } from './routes/registrations.ts';
import type { ApiApp } from './routes/route.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { serverRoutes } from './routes/server.ts';
import { sessionRoutes } from './routes/session.ts';
import { snapshotRoutes } from './routes/snapshots.ts';
import { storageRoutes } from './routes/storage.ts';
import { streamActionRoutes } from './routes/stream-actions.ts';
import { streamEventRoutes } from './routes/stream-events.ts';
import { streamRoutes } from './routes/streams.ts';
import { talkRoutes } from './routes/talk.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { plainTunnelRoutes } from './routes/tunnels.ts';
import { userRoutes } from './routes/users.ts';
import { StreamKeeper } from './stream-keeper.ts';
import { tellMethods } from './tell-methods.ts';

/** What the API gives back to whoever registers it. */
export interface RegisteredApi {
  /** For the media routes of protocols and playback. */
  readonly access: AccessControl;
  /** Takes requests for WebSockets of events from the server of `app`. */
  readonly eventUpgrades: EventUpgrades;
  /** The OpenAPI 3.1 document; ready after `app.ready()`. */
  document(): Readonly<Record<string, unknown>>;
}

/** Base of the API's addresses, and the second name of it. */
const prefixes = ['/api/v1', '/api/video'] as const;
const eventPaths = prefixes.map((prefix) => `${prefix}/events`);

/** Adds the API to the shared HTTP server: `/api/v1`, `/api/video`, `/health`, `/ready`. Before `listen`. */
export function registerApi(app: FastifyInstance, deps: ApiDependencies): RegisteredApi {
  const { identity, audit, clock } = deps;
  const authenticator = new Authenticator(identity, deps.auth);
  tellMethods(app, authenticator);
  const throttle = new LoginThrottle(clock);
  const watch = new GrantWatch(deps);
  const keeper = new StreamKeeper(deps);
  const eventUpgrades = new EventUpgrades(eventPaths);
  adoptReported(deps, keeper);
  let document: Readonly<Record<string, unknown>> | undefined;
  let documented: FastifyInstance | undefined;
  const read = () => {
    document ??= openApiDocument(documented!);
    return document;
  };
  const metrics = new ServerMetrics(app, deps);
  const guarding = { authenticator, audit, streamOfSegment: streamOfSegment(deps) };
  const routes = (scope: FastifyInstance) => {
    const typed = withZod(scope);
    guard(scope, guarding);
    sessionRoutes(typed, deps, { authenticator, throttle });
    tokenRoutes(typed, deps);
    userRoutes(typed, deps, throttle);
    auditRoutes(typed, deps);
    streamRoutes(typed, deps, keeper);
    streamActionRoutes(typed, deps, keeper);
    playRoute(typed, deps, keeper);
    publishRoute(typed, deps, keeper);
    talkRoutes(typed, deps, { keeper, watch });
    streamEventRoutes(typed, deps, keeper);
    scheduleRoutes(typed, deps);
    doctorRoutes(typed, deps, keeper);
    probeRoutes(typed, deps);
    recordingRoutes(typed, deps, watch);
    lockRoutes(typed, deps);
    exportRoutes(typed, deps, watch);
    snapshotRoutes(typed, deps, keeper);
    storageRoutes(typed, deps);
    registrationRoutes(typed, deps);
    agentRoutes(typed, deps, { keeper, authenticator, watch });
    serverRoutes(typed, deps);
    configRoutes(typed, deps);
    eventRoutes(typed, deps, { watch, upgrades: eventUpgrades });
    descriptionRoute(typed, read);
  };
  void app.register((scope, _options, done) => {
    documented = scope;
    describeRoutes(scope, deps.version);
    addScope(scope, '/', (root) => {
      guard(root, guarding);
      healthRoutes(withZod(root), deps);
      metricsRoutes(withZod(root), metrics);
      plainTunnelRoutes(withZod(root), deps);
    });
    addScope(scope, prefixes[0], routes);
    done();
  });
  addScope(app, prefixes[1], routes);
  return { access: mediaAccess(deps, { authenticator, throttle, watch }), eventUpgrades, document: read };
}

function streamOfSegment({ recordings }: ApiDependencies): GuardOptions['streamOfSegment'] {
  return async (id) => (await recordings.segment(id))?.streamId;
}

function mediaAccess(
  { identity, clock, audit }: ApiDependencies,
  parts: { readonly authenticator: Authenticator; readonly throttle: LoginThrottle; readonly watch: GrantWatch },
): MediaAccess {
  const { authenticator, throttle, watch } = parts;
  const { mediaKey, users } = identity;
  const passwords = new PasswordLogin(users, throttle);
  return new MediaAccess({ authenticator, mediaKey, clock, audit, passwords, watch });
}

/** Routes of a scope have hooks and compilers of their own. */
function addScope(parent: FastifyInstance, prefix: string, add: (scope: FastifyInstance) => void): void {
  const plugin: FastifyPluginCallback = (scope, _options, done) => {
    add(scope);
    done();
  };
  void parent.register(plugin, { prefix });
}

function withZod(scope: FastifyInstance): ApiApp {
  scope.setValidatorCompiler(validatorCompiler);
  scope.setSerializerCompiler(serializerCompiler);
  return scope as unknown as ApiApp;
}
