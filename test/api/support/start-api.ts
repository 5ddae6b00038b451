import type { X509Certificate } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js';
import Koa from 'koa';
import request from 'supertest';
import { openStorage } from '../../../adapters/open-storage.js';
import { createApi } from '../../../api/create-api.js';
import { authenticate } from '../../../api/middleware/authenticate.js';
import { dpopProofs } from '../../../api/middleware/dpop-proof.js';
import { createWellKnownLists } from '../../../api/well-known/create-well-known-lists.js';
import { createIdentityServices } from '../../../composition/identity-services.js';
import type { AccessTokenFacts } from '../../../core/access-token.js';
import { domainCollections } from '../../../core/collections.js';
import { type Job, jobs, tellOfJobs } from '../../../core/job.js';
import { createScheduler } from '../../../core/scheduler.js';
import { type Collection, put, remove, type Storage } from '../../../core/storage.js';
import { traceRequest } from '../../../http/trace-id.js';
import { forwardToClient } from '../../../interactions/identity/forward-to-client.js';
import { createMovingClock } from '../../adapters/support/moving-clock.js';
import { type DatabaseKind, mongoKind, sqliteKind } from '../../adapters/support/test-database.js';
import { createSyncRun } from './run-syncs.js';
import { createScriptedBank } from './scripted-bank.js';

/** Stands for the provider's Grants. */
export const grants: Collection<{ readonly of: string }> = {
  name: 'grant',
  indexes: [],
  indexValues: () => ({}),
};

export const origin = 'https://id.example.com';
export const mtlsOrigin = 'https://mtls.example.com';

const { MONGODB_URI, TEST_STORAGE } = process.env;
/** SQLite, which every machine has, unless the whole run is to be on the server that is named. */
const usualKind = MONGODB_URI && TEST_STORAGE === 'mongodb' ? mongoKind(MONGODB_URI) : sqliteKind;

/** Settings, and a network on which every event is received. */
export const usual = {
  random: () => 0.5,
  sign: async () => 'signed',
  send: async () => ({ milliseconds: 1, status: 200 }),
  configuration: {
    publicUrl: origin,
    synchronisation: { everyHours: 4 },
    lifetimes: {
      identityServiceCode: 540,
      interaction: 3600,
      oneTimeConsent: 86_400,
      ongoingConsent: 90 * 86_400,
      revival: 180 * 86_400,
    },
  },
};

/** The REST API on a real store, with tokens and a bank that the test scripts. */
export async function startApi(kind: DatabaseKind = usualKind) {
  const database = await kind.create();
  const clock = createMovingClock();
  const calls: string[] = [];
  const store = await openStorage({
    ...database,
    collections: [...domainCollections, dpopProofs, grants],
    clock,
    onCall: ({ operation, collection }) => calls.push(`${operation} ${collection}`),
  });
  const bank = createScriptedBank();
  const { directory } = bank;
  const log: { level: string; fields: object; message: string }[] = [];
  const logAt = (level: string) => (fields: object, message: string) => {
    log.push({ level, fields, message });
  };
  const logger = { info: logAt('info'), warn: logAt('warn'), error: logAt('error') };
  const scheduler = createScheduler({ storage: store, clock, logger, random: () => 0.5 });
  const storage = tellOfJobs(store, scheduler.tell);
  const services = createIdentityServices({
    ...{ storage, clock, logger, directory },
    extendGrant: async (id, end) => [put(grants, id, { of: 'an extended consent' }, end)],
    revokeGrant: (id) => [remove(grants, id)],
    ...usual,
  });
  const { withdrawals } = services;
  const { connections } = services.api;
  const syncs = createSyncRun({ storage, clock, jobs: services.jobs });

  const tokens = new Map<string, AccessTokenFacts>();
  const certificates = new Map<string, X509Certificate>();
  const origins = [origin, mtlsOrigin] as const;
  const api = createApi({
    ...services.api,
    authenticate: authenticate({
      tokens: { read: async (token) => tokens.get(token) },
      storage,
      clock,
      origins,
      // Stands for the TLS connection, which these tests do without.
      readCertificate: ({ headers }) => certificates.get(String(headers['x-test-certificate'])),
    }),
    origins,
  });
  const lists = createWellKnownLists({ directory, storage, publicUrl: origin });
  const application = new Koa();
  application.use(traceRequest).use(api.routes()).use(lists.routes());
  application.use(forwardToClient(services.authRequestEnds));
  const server = createServer(application.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  let lastToken = 0;
  /** An access token with these scopes and facts. */
  function issue(scope: string, facts: Partial<AccessTokenFacts> = {}): string {
    const token = `token-${++lastToken}`;
    const scopes = new Set(scope.split(' '));
    const expiresAt = new Date(clock.now() + 7_200_000);
    tokens.set(token, { clientId: 'app', scopes, expiresAt, ...facts });
    return token;
  }

  const document = (await request(server).get('/openapi.json').expect(200)).body;
  const assertDescribed = createDescriptionCheck(document);

  /** Calls with a bearer token; every answer must be one the OpenAPI document describes. */
  async function call(
    method: 'get' | 'post' | 'patch' | 'delete',
    path: string,
    token: string,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const sent = request(server)[method](path).set('host', new URL(origin).host).set(headers);
    const answer = await sent.set('authorization', `Bearer ${token}`).send(body);
    assertDescribed(method, path, answer);
    return answer;
  }

  /** The jobs of a kind that are to be done. */
  async function waiting(kind: string): Promise<readonly Job[]> {
    const { records } = await storage.find(jobs, { index: 'due', from: '', limit: 1000 });
    return records.map(({ value }) => value).filter((job) => job.kind === kind);
  }

  return {
    waiting,
    /** From now on jobs are done, as the clock is moved. */
    doJobs: () => scheduler.start(services.jobs),
    ...{ storage, clock, bank, connections, withdrawals, syncs, log, calls },
    ...{ server, tokens, certificates, document, assertDescribed, issue, call },
    get: (path: string, token: string) => call('get', path, token),
    async stop() {
      await scheduler.stop(1);
      await new Promise((resolve) => server.close(resolve));
      await storage.close();
      await rm(dirname(database.masterKey.file), { recursive: true });
    },
  };
}

export type TestApi = Awaited<ReturnType<typeof startApi>>;

interface Described {
  readonly paths: Record<string, Record<string, { responses: Record<string, ResponseObject> }>>;
}
interface ResponseObject {
  readonly content?: { readonly 'application/json': { readonly schema: AnySchema } };
}

/** Holds an answer against what the document says of its path, method and status. */
export function createDescriptionCheck(document: Described) {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, 'api');
  return function assertDescribed(
    method: string,
    target: string,
    { status, body }: { status: number; body: unknown },
  ) {
    const path = target.split('?')[0] ?? '';
    const fits = (candidate: string) =>
      new RegExp(`^${candidate.replace(/\{\w+\}/g, '[^/]+')}$`).test(path);
    const template = path in document.paths ? path : Object.keys(document.paths).find(fits);
    const response = template && document.paths[template]?.[method]?.responses[status];
    if (!template || !response) throw new Error(`${method} ${path} ${status} is not described`);
    if (!response.content) {
      expect(body).toEqual({});
      return;
    }
    const pointer = [template, method, 'responses', String(status), 'content', 'application/json']
      .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
      .join('/');
    const valid = ajv.validate({ $ref: `api#/paths/${pointer}/schema` }, body);
    if (!valid) throw new Error(`${method} ${path} ${status}: ${ajv.errorsText()}`);
  };
}

/** Writes records as another part of the product would have. */
export async function store<Value>(
  storage: Storage,
  collection: Collection<Value>,
  ...records: readonly (readonly [id: string, value: Value])[]
): Promise<void> {
  await storage.commit(records.map(([id, value]) => put(collection, id, value)));
}
