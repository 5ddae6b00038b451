import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clients } from '../../core/clients.js';
import { findAll } from '../../core/find-all.js';
import { initialAccessTokens } from '../../core/registration/initial-access-tokens.js';
import { findMongoServer } from '../adapters/support/find-mongo-server.js';
import { mongoKind, removeTestDirectories, sqliteKind } from '../adapters/support/test-database.js';
import { createClientKeys } from '../support/client-keys.js';
import type { RunningAssent } from '../support/start-assent.js';
import { forkBeside } from './support/fork-beside.js';
import {
  type Answer,
  epoch,
  type Registration,
  redirectUri,
  startRegistration,
} from './support/start-registration.js';

/* Clients register and manage themselves at two processes on one store, many at the same moment. */

const attempts = 50;
const server = await findMongoServer();
const kinds = [sqliteKind, ...('uri' in server ? [mongoKind(server.uri)] : [])];
const byId = { index: 'id', from: '' };
const why = 'uri' in server ? '' : ` (not on MongoDB: ${server.missing})`;

afterAll(async () => {
  if ('uri' in server) await server.stop();
  await removeTestDirectories();
});

describe.each(kinds)(`on $name${why}`, (kind) => {
  let assent: Registration;
  let other: Awaited<ReturnType<typeof forkBeside>>;
  let fetches: readonly RunningAssent['fetch'][];
  let keys: Awaited<ReturnType<typeof createClientKeys>>;
  let budget: Readonly<Record<string, unknown>>;

  beforeAll(async () => {
    keys = await createClientKeys('PS256');
    assent = await startRegistration({
      registration: { attempts: 10_000 },
      storage: await kind.create(),
    });
    other = await forkBeside(assent);
    fetches = [assent.fetch, other.fetch];
    budget = {
      client_name: 'Budget app',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: keys.jwks,
      dpop_bound_access_tokens: true,
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'client_credentials'],
      scope: 'openid accounts:read',
    };
  });

  afterAll(async () => {
    await other?.stop();
    await assent?.stop();
  });

  type Fetch = { readonly fetch: RunningAssent['fetch'] };

  /** Asks both processes in turn, all at once. */
  function race(ask: (through: Fetch, attempt: number) => Promise<Answer>, times = attempts) {
    return Promise.all(
      Array.from({ length: times }, (_, attempt) => {
        const fetch = fetches[attempt % 2];
        if (!fetch) throw new TypeError('two processes');
        return ask({ fetch }, attempt);
      }),
    );
  }

  /** Repeats what asks a process, until that is gone: undici fails with a TypeError. */
  async function untilKilled(ask: () => Promise<void>): Promise<void> {
    try {
      for (;;) await ask();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** How often each status came. */
  function count(answers: readonly Answer[]) {
    const counts: Record<number, number> = {};
    for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  /** The clients that there are now and were not before. */
  async function added(work: () => Promise<readonly Answer[]>) {
    const before = await assent.count();
    const answers = await work();
    return { answers, added: (await assent.count()) - before };
  }

  async function make(): Promise<{ readonly id: string; readonly token: string }> {
    const { status, body } = await assent.register(budget, { token: await assent.token() });
    expect(status).toBe(201);
    return { id: body.client_id, token: body.registration_access_token };
  }

  test('a token for one client makes one, and its winner is whole', async () => {
    const token = await assent.token({}, 1);
    const { answers, added: made } = await added(() =>
      race((through) => assent.register(budget, { ...through, token })),
    );
    expect(count(answers)).toEqual({ 201: 1, 401: attempts - 1 });
    expect(made).toBe(1);
    const winner = answers.find(({ status }) => status === 201)?.body;
    expect(await assent.history(winner.client_id)).toMatchObject([{ action: 'created' }]);
    for (const fetch of fetches) {
      const read = await assent.call('GET', `/oidc/reg/${winner.client_id}`, {
        ...{ fetch, token: winner.registration_access_token },
      });
      expect(read.status).toBe(200);
    }
  });

  test('a token for many clients makes as many, and counts each', async () => {
    const token = await assent.token({}, 100);
    const { answers, added: made } = await added(() =>
      race((through) => assent.register(budget, { ...through, token })),
    );
    expect(count(answers)).toEqual({ 201: attempts });
    expect(made).toBe(attempts);
    const [id = ''] = token.split('.');
    const stored = await assent.storage.get(initialAccessTokens, id);
    expect(stored?.value.usesLeft).toBe(100 - attempts);
  });

  test('a software statement registers one client (SEC-48)', async () => {
    const software_statement = await assent.statement();
    const { answers, added: made } = await added(() =>
      race((through) => assent.register({ ...budget, software_statement }, through)),
    );
    expect(count(answers)).toEqual({ 201: 1, 400: attempts - 1 });
    expect(made).toBe(1);
    for (const { status, body } of answers) {
      if (status === 400) expect(body.error).toBe('invalid_software_statement');
    }
  });

  test('a signed request is taken once, also where it carries another statement', async () => {
    const software_jwks_endpoint = assent.publish('/client/jwks', keys.jwks);
    const jti = randomUUID();
    const sign = async () =>
      keys.sign({
        ...{ iss: 'software-1', aud: assent.issuer, iat: epoch(), exp: epoch() + 300, jti },
        token_endpoint_auth_method: 'private_key_jwt',
        grant_types: ['authorization_code'],
        redirect_uris: [redirectUri],
        scope: 'openid accounts:read',
        application_type: 'web',
        id_token_signed_response_alg: 'PS256',
        request_object_signing_alg: 'PS256',
        dpop_bound_access_tokens: true,
        software_statement: await assent.statement({ software_jwks_endpoint }),
      });
    const { answers, added: made } = await added(() =>
      race(async (through) =>
        assent.register(await sign(), { ...through, type: 'application/jose' }),
      ),
    );
    expect(count(answers)).toEqual({ 201: 1, 400: attempts - 1 });
    expect(made).toBe(1);
  });

  test('of updates at once none is half or lost, and whoever keeps the last token goes on', async () => {
    const { id, token } = await make();
    const put = (through: object, by: string, name: string) =>
      assent.call('PUT', `/oidc/reg/${id}`, {
        ...{ ...through, token: by },
        body: { ...budget, client_id: id, client_name: name, contacts: [`${name}@app.example`] },
      });
    const answers = await race((through, attempt) => put(through, token, `n${attempt}`), 20);
    const counts = count(answers);
    expect(Object.keys(counts).filter((status) => status !== '200' && status !== '409')).toEqual(
      [],
    );
    expect(counts[200]).toBeGreaterThanOrEqual(1);
    const stored = await assent.stored(id);
    const last = answers.find(({ body }) => body.client_name === stored?.client_name);
    expect(last?.status).toBe(200);
    expect(stored?.contacts).toEqual([`${stored?.client_name}@app.example`]);
    // Each that was acknowledged stands in the history, and no other.
    const told = answers.flatMap(({ status, body }) => (status === 200 ? [body.client_name] : []));
    const changed = (await assent.history(id)).flatMap(({ changes }) =>
      changes.flatMap(({ member, after }) => (member === 'client_name' ? [after] : [])),
    );
    expect([...changed].sort()).toEqual(['Budget app', ...told].sort());
    const next = await put({}, last?.body.registration_access_token, 'Next');
    expect(next.status).toBe(200);
  });

  test('a client that is deleted while it updates itself is gone, and stays so', async () => {
    const { id, token } = await make();
    const answers = await race(
      (through, attempt) =>
        attempt === 5
          ? assent.call('DELETE', `/oidc/reg/${id}`, { ...through, token })
          : assent.call('PUT', `/oidc/reg/${id}`, {
              ...{ ...through, token },
              body: { ...budget, client_id: id, client_name: `n${attempt}` },
            }),
      10,
    );
    expect(answers[5]?.status).toBe(204);
    const statuses = Object.keys(count(answers));
    expect(statuses.filter((each) => !['200', '204', '401', '409'].includes(each))).toEqual([]);
    const stored = await assent.storage.get(clients, id);
    expect(stored?.value.client_status ?? 'gone').not.toBe('active');
    for (const fetch of fetches) {
      expect((await assent.call('GET', `/oidc/reg/${id}`, { fetch, token })).status).toBe(401);
    }
    const history = await assent.history(id);
    expect(history.filter(({ action }) => action === 'deleted')).toHaveLength(1);
    const [latest] = history
      .map(({ at }) => at)
      .sort()
      .reverse();
    expect(history.find(({ action }) => action === 'deleted')?.at).toBe(latest);
  });

  test('kill -9 in the middle of registrations leaves whole clients and counts their uses', async () => {
    const uses = 1000;
    const token = await assent.token({}, uses);
    const [id = ''] = token.split('.');
    const doomed = await forkBeside(assent);
    const acknowledged: Answer['body'][] = [];
    const before = new Set((await findAll(assent.storage, clients, byId)).map(({ id }) => id));
    const workers = Array.from({ length: 10 }, () =>
      untilKilled(async () => {
        const { status, body } = await assent.register(budget, { fetch: doomed.fetch, token });
        expect(status).toBe(201);
        acknowledged.push(body);
        if (acknowledged.length === 20) await doomed.stop('SIGKILL');
      }),
    );
    try {
      await Promise.all(workers);
    } finally {
      await doomed.stop('SIGKILL');
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(20);

    const made = (await findAll(assent.storage, clients, byId)).filter(({ id }) => !before.has(id));
    const left = (await assent.storage.get(initialAccessTokens, id))?.value.usesLeft ?? uses;
    if (kind.transactional) expect(left).toBe(uses - made.length);
    // A use may be lost with the client that it was for; never is there a client without one.
    else expect(left).toBeLessThanOrEqual(uses - made.length);
    for (const { id: clientId, value } of made) {
      expect(value).toMatchObject({ ...budget, registration: { by: `token:${id}` } });
      const history = (await assent.history(clientId)).map(({ action }) => action);
      if (kind.transactional) expect(history).toEqual(['created']);
    }
    for (const { client_id: known, registration_access_token: own } of acknowledged) {
      expect((await assent.call('GET', `/oidc/reg/${known}`, { token: own })).status).toBe(200);
    }
  });

  test('kill -9 in the middle of updates leaves what was acknowledged last, or after', async () => {
    const { id, token } = await make();
    const put = (by: string, number: number, fetch = assent.fetch) =>
      assent.call('PUT', `/oidc/reg/${id}`, {
        ...{ fetch, token: by },
        body: {
          ...budget,
          client_id: id,
          client_name: `n${number}`,
          contacts: [`n${number}@app.example`],
        },
      });
    let [last, own] = [0, token];
    // So long after the update that follows was sent: before it is read, while it is stored, after.
    for (const milliseconds of [0, 2, 4, 8, 16]) {
      const doomed = await forkBeside(assent);
      const enough = last + 5;
      let killed: Promise<void> | undefined;
      try {
        await untilKilled(async () => {
          if (last === enough) killed = wait(milliseconds).then(() => doomed.stop('SIGKILL'));
          const { status, body } = await put(own, last + 1, doomed.fetch);
          expect(status).toBe(200);
          [last, own] = [last + 1, String(body.registration_access_token)];
        });
      } finally {
        await killed;
        await doomed.stop('SIGKILL');
      }
      expect(last).toBeGreaterThanOrEqual(enough);
      const stored = await assent.stored(id);
      expect([`n${last}`, `n${last + 1}`]).toContain(stored?.client_name);
      expect(stored?.contacts).toEqual([`${stored?.client_name}@app.example`]);
      // An answer was lost, and whoever waited for it is not locked out.
      const next = await put(own, last + 2);
      expect(next.status).toBe(200);
      [last, own] = [last + 2, String(next.body.registration_access_token)];
    }
  }, 120_000);
});
