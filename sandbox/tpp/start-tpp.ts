import { assets } from '../../consent-ui/assets.js';
import { systemClock } from '../../core/clock.js';
import { allowHosts } from '../../http/allow-hosts.js';
import { noStore, securityHeaders } from '../../http/security-headers.js';
import { serveAssets } from '../../http/serve-assets.js';
import { traceRequest } from '../../http/trace-id.js';
import { runAt } from '../../provider/library-clock.js';
import type { CertificateFiles } from '../certificate-authority.js';
import type { MovableClock } from '../movable-clock.js';
import type { SandboxUrls } from '../ports.js';
import { type RunningSite, serveSite } from '../serve-site.js';
import type { TppDocument } from '../tpp-document.js';
import { answerFailures } from './answer-failures.js';
import { createEventRoutes } from './create-event-routes.js';
import { createRoutes } from './create-routes.js';
import { createTimeRoutes } from './create-time-routes.js';
import { createOAuthClient } from './oauth-client.js';
import { createSessionStore } from './session-store.js';

export interface TppDeps {
  readonly tpp: TppDocument;
  readonly urls: SandboxUrls;
  readonly port: number;
  readonly server: CertificateFiles;
  readonly clock: MovableClock;
}

/**
 * The TPP application: technical on purpose, it acts as each of the sandbox's clients and shows what it
 * sends and gets. @throws the system's error, e.g. `EADDRINUSE`.
 */
export async function startTpp(deps: TppDeps): Promise<RunningSite> {
  const { tpp, urls, port, server, clock } = deps;
  const clients = {
    'identity-service': await createOAuthClient('identity-service', tpp),
    'identity-service-own-consent': await createOAuthClient('identity-service-own-consent', tpp),
    'fapi2-security': await createOAuthClient('fapi2-security', tpp),
    'fapi2-security-dpop': await createOAuthClient('fapi2-security-dpop', tpp),
  };
  // In real time, so that whoever moves the sandbox's keeps what they connected before.
  const sessions = createSessionStore(systemClock);
  const routes = createRoutes({ tpp, tppUrl: urls.tpp, clients, sessions, clock });
  const events = await createEventRoutes({ tpp, tppUrl: urls.tpp, clock });
  const site = await serveSite({
    port,
    server,
    middleware: [
      traceRequest,
      allowHosts([urls.tpp]),
      securityHeaders(),
      serveAssets(assets),
      noStore,
      answerFailures,
      routes.routes(),
      routes.allowedMethods(),
      createTimeRoutes({ clock, sessions }).routes(),
      events.router.routes(),
    ],
    // Its client libraries go by the sandbox's time, as Assent does.
    run: (handle) => runAt(clock, handle),
  });
  return {
    async stop() {
      await site.stop();
      await Promise.all([...Object.values(clients), events].map((client) => client.close()));
    },
  };
}
