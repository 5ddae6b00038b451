import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Koa from 'koa';
import supertest from 'supertest';
import { oidcCollections } from '../../../adapters/oidc/oidc-collections.js';
import {
  revokeGrant,
  revokeIssued,
  revokeRefreshTokens,
} from '../../../adapters/oidc/revoke-grant.js';
import { openStorage } from '../../../adapters/open-storage.js';
import { authenticate } from '../../../api/middleware/authenticate.js';
import { dpopProofs } from '../../../api/middleware/dpop-proof.js';
import { createOpenBankingApi } from '../../../api/open-banking/create-open-banking-api.js';
import type { AccessTokenFacts } from '../../../core/access-token.js';
import type { BankLedger } from '../../../core/bank-ledger.js';
import { domainCollections } from '../../../core/collections.js';
import type { IntentTerms } from '../../../core/intent.js';
import { createIntentService } from '../../../core/intent-service.js';
import { put } from '../../../core/storage.js';
import { traceRequest } from '../../../http/trace-id.js';

export const aisp = '/open-banking/v3.1/aisp';

/** A customer who has said yes, at a client. */
export interface Sharing {
  readonly clientId?: string;
  readonly customerId: string;
  readonly accountIds: readonly string[];
  readonly terms: IntentTerms;
}

/** The API over real HTTP and a real SQLite store; only the issuing of tokens is left out. */
export async function startBankApi(
  createLedger: (clock: { now(): number }) => BankLedger,
  start = '2026-03-17T12:00:00Z',
) {
  const directory = await mkdtemp(join(tmpdir(), 'assent-bank-'));
  let now = Date.parse(start);
  const clock = { now: () => now };
  const storage = await openStorage({
    url: `sqlite:${join(directory, 'bank.db')}`,
    masterKey: { file: join(directory, 'master.key') },
    collections: [...domainCollections, dpopProofs, ...Object.values(oidcCollections)],
    clock,
  });
  const tokens = new Map<string, AccessTokenFacts>();
  const intentService = createIntentService({
    storage,
    clock,
    newId: randomUUID,
    ...{ revokeGrant, revokeIssued, revokeRefreshTokens },
  });
  const failures: unknown[] = [];
  const api = createOpenBankingApi({
    intentService,
    ledger: createLedger(clock),
    storage,
    clock,
    logger: {
      info: () => {},
      warn: () => {},
      error: (fields) => {
        failures.push(fields);
      },
    },
    authenticate: authenticate({
      tokens: { read: async (token) => tokens.get(token) },
      storage,
      clock,
      origins: ['https://bank.example'],
      readCertificate: () => undefined,
    }),
    baseUrl: `https://bank.example${aisp}`,
  });
  const app = new Koa().use(traceRequest).use(api.routes());
  const server = createServer(app.callback()).listen(0, '127.0.0.1');
  const http = supertest(server);

  function issue(facts: Partial<AccessTokenFacts>): string {
    const token = randomUUID();
    const expiresAt = new Date(now + 86_400_000_000);
    tokens.set(token, { clientId: 'tpp', scopes: new Set(['accounts']), expiresAt, ...facts });
    return token;
  }

  return {
    storage,
    intentService,
    failures,
    issue,
    advance(seconds: number) {
      now += seconds * 1000;
    },
    now: () => new Date(now),
    get: (token: string, path: string) =>
      http.get(`${aisp}${path}`).set('authorization', `Bearer ${token}`),
    delete: (token: string, path: string) =>
      http.delete(`${aisp}${path}`).set('authorization', `Bearer ${token}`),
    post: (token: string, path: string, body?: object) =>
      http.post(`${aisp}${path}`).set('authorization', `Bearer ${token}`).send(body),
    http,
    /** Registers an intent, authorises it, and issues the token that would come of it. */
    async share({ clientId = 'tpp', customerId, accountIds, terms }: Sharing) {
      const intent = await intentService.register(clientId, terms);
      if ('member' in intent) throw new Error(intent.message);
      const writes = await intentService.authorise(intent.id, { customerId, accountIds });
      const grant = { clientId, accountId: customerId, kind: 'Grant', jti: intent.id };
      await storage.commit([...writes, put(oidcCollections.Grant, intent.id, grant)]);
      return {
        intent,
        token: issue({ clientId, subject: customerId, grantId: intent.id }),
        own: issue({ clientId }),
      };
    },
    async stop() {
      await new Promise((resolve) => server.close(resolve));
      await storage.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export type BankApi = Awaited<ReturnType<typeof startBankApi>>;
