import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { systemClock } from '../../../core/clock.js';
import { createDemoLedger } from '../../../sandbox/bank/create-demo-ledger.js';
import { openCertificateAuthority } from '../../../sandbox/certificate-authority.js';
import { createMovingClock } from '../../adapters/support/moving-clock.js';
import { createClientKeys } from '../../support/client-keys.js';
import { startAssent } from '../../support/start-assent.js';
import { startTarget } from '../../support/start-target.js';

/** A bank whose customers sign in to applications, which anybody may register, and such an application. */
export async function startOpenidBank() {
  const clock = createMovingClock();
  const directory = await mkdtemp(join(tmpdir(), 'assent-openid-'));
  const authority = await openCertificateAuthority(directory, systemClock);
  const published = new Map<string, Buffer | object>();
  const application = await startTarget(
    await authority.server('application'),
    (response, { url = '' }) => {
      const document = published.get(url);
      response.setHeader('cache-control', 'max-age=60');
      response.end(Buffer.isBuffer(document) ? document : JSON.stringify(document ?? {}));
    },
  );
  const at = (path: string) => `https://127.0.0.1:${application.port}${path}`;
  const bank = await startAssent(
    {
      role: 'bank',
      profiles: ['openid-connect'],
      // OpenID Connect Discovery §3: RS256 has to be among them, and is what a client gets by default.
      signing: { algorithms: ['RS256', 'PS256', 'ES256'] },
      features: { registration: true },
      registration: { anyone: { profiles: ['openid-connect'] }, attempts: 100_000 },
      outgoing: {
        allow: [`127.0.0.1:${application.port}`],
        certificateAuthorities: [authority.certificate],
      },
    },
    { ledger: createDemoLedger({ clock }), clock },
  );

  return {
    ...bank,
    clock,
    now: () => Math.floor(clock.now() / 1000),
    application,
    /** Two pairs of RSA keys, which clients of a test share: the second is what the first rotates to. */
    clientKeys: await Promise.all([createClientKeys('RS256'), createClientKeys('RS256')]),
    at,
    /** Puts a document on the application's server. */
    publish(path: string, document: Buffer | object): string {
      published.set(path, document);
      return at(path);
    },
    /** The keys that the bank's signatures are verified with now. */
    async published() {
      const answer = await bank.fetch('/oidc/certs');
      return createLocalJWKSet((await answer.json()) as JSONWebKeySet);
    },
    async stop() {
      await bank.stop();
      await application.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export type OpenidBank = Awaited<ReturnType<typeof startOpenidBank>>;
