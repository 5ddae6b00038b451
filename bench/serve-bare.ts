/** `oidc-provider` alone on a Map, set up by its documentation. Started by `start-server.ts`. */
import { readFile } from 'node:fs/promises';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
import { systemClock } from '../core/clock.js';
import { isCertificateTrusted, readClientCertificate } from '../http/client-certificate.js';
import { listen } from '../http/listen.js';
import { answerBench } from './answer-bench.js';
import { createMapAdapterFactory } from './map-adapter.js';
import { seedModels } from './seed-models.js';
import { clientScope, readConfiguration, readMaterial, visitScope } from './workspace.js';

const [, , workspace = ''] = process.argv;
const { tls, clients } = await readConfiguration(workspace);
const { barePort } = await readMaterial(workspace);
const issuer = `https://localhost:${barePort}`;
const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const signingKey = { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'bench' };

const provider = new Provider(issuer, {
  adapter: createMapAdapterFactory(),
  clients: [...clients],
  jwks: { keys: [signingKey] },
  scopes: [...visitScope.split(' '), clientScope],
  clientAuthMethods: ['private_key_jwt'],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  rotateRefreshToken: false,
  formats: { bitsOfOpaqueRandomness: 256 },
  ttl: {
    AccessToken: 7200,
    AuthorizationCode: 60,
    ClientCredentials: 7200,
    Grant: 7_776_000,
    IdToken: 3600,
    RefreshToken: 7_776_000,
  },
  enabledJWA: {
    clientAuthSigningAlgValues: ['ES256'],
    idTokenSigningAlgValues: ['ES256'],
    requestObjectSigningAlgValues: ['ES256'],
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    fapi: { enabled: true, profile: '2.0' },
    pushedAuthorizationRequests: { enabled: true },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      getCertificate: (ctx) => readClientCertificate(ctx.req, systemClock),
      certificateAuthorized: (ctx) => isCertificateTrusted(ctx.req),
    },
  },
});

const [certificate, key, ...clientAuthorities] = await Promise.all(
  [tls.certificate, tls.key, ...tls.clientCertificateAuthorities].map((path) =>
    readFile(path, 'utf8'),
  ),
);
const listener = await listen(
  {
    host: '127.0.0.1',
    port: barePort,
    certificate: certificate ?? '',
    key: key ?? '',
    clientAuthorities,
  },
  provider.callback(),
);

answerBench({
  place: {
    issuer: provider.issuer,
    token: `${issuer}/token`,
    pushedAuthorizationRequest: `${issuer}/request`,
  },
  seed: (kind, count) => seedModels({ provider }, kind, count),
  fill: async () => {
    throw new Error('The bare library has one client and no grants but those of the load');
  },
  stop: () => listener.close(1),
});
