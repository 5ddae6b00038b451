import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openStorage } from '../../adapters/open-storage.js';
import { createApprovals } from '../../core/approvals-service.js';
import { attempts } from '../../core/attempts.js';
import type { CustomerHint } from '../../core/bank-ledger.js';
import { domainCollections } from '../../core/collections.js';
import { createIntentService } from '../../core/intent-service.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { findMongoServer } from '../adapters/support/find-mongo-server.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { mongoKind, removeTestDirectories, sqliteKind } from '../adapters/support/test-database.js';

/* SEC-24: whom a client may mean, asked at the same time and in several processes. */

const server = await findMongoServer();
const kinds = 'uri' in server ? [sqliteKind, mongoKind(server.uri)] : [sqliteKind];

afterAll(async () => {
  if ('uri' in server) await server.stop();
  await removeTestDirectories();
});

describe.each(kinds)('customers are identified on $name', (kind) => {
  const clock = createMovingClock();
  let services: Awaited<ReturnType<typeof start>>[];
  let lookedUp: CustomerHint[];
  /** Before it answers. */
  let meanwhile: () => Promise<void>;

  beforeEach(async () => {
    lookedUp = [];
    meanwhile = async () => {};
    const database = await kind.create();
    services = await Promise.all(Array.from({ length: 6 }, () => start(database)));
  });
  afterEach(() => Promise.all(services.map(({ storage }) => storage.close())));

  async function start(database: Awaited<ReturnType<typeof kind.create>>) {
    const storage = await openStorage({ ...database, collections: domainCollections, clock });
    const ledger = createDemoLedger({ clock });
    const nothing = () => [];
    const intentService = createIntentService({
      ...{ storage, clock, newId: randomUUID },
      ...{ revokeGrant: nothing, revokeIssued: nothing, revokeRefreshTokens: nothing },
    });
    const observed = {
      ...ledger,
      async identify(hint: CustomerHint) {
        lookedUp.push(hint);
        await meanwhile();
        return ledger.identify(hint);
      },
    };
    const deps = { storage, clock, ledger: observed, intentService };
    const approvals = createApprovals(deps);
    return { storage, approvals, hasty: createApprovals({ ...deps, patience: 20 }) };
  }

  /** What is told of each of these logins, asked all at once, in turn of every process. */
  async function identify(logins: readonly string[]): Promise<readonly string[]> {
    return Promise.all(
      logins.map(async (login, n) => {
        const asked = services[n % services.length]?.approvals.identify('prober', { login });
        return asked?.catch((error: Error & { error?: string }) => error.error ?? error.message);
      }),
    ).then((told) => told.map(String));
  }

  const strangers = (count: number) => Array.from({ length: count }, (_, n) => `person-${n}`);
  const amelia = 'cust-5e1d0c27';

  test('SEC-24: of many guesses at once as many are told as one after the other', async () => {
    const told = await identify([...strangers(300), 'amelia']);
    expect(told.filter((answer) => answer === 'unknown_user_id')).toHaveLength(50);
    expect(new Set(told.slice(0, -1))).toEqual(new Set(['unknown_user_id', 'access_denied']));
    expect(told.at(-1)).toBe('access_denied');
    // Besides them, what was under way: ten in each process.
    expect(lookedUp.length).toBeLessThan(50 + 10 * services.length);
    const before = lookedUp.length;
    expect(await identify(['amelia'])).toEqual(['access_denied']);
    expect(lookedUp).toHaveLength(before);
    clock.advance(15 * 60 + 1);
    expect(await identify(['amelia'])).toEqual([amelia]);
  }, 60_000);

  test('customers who are known cost nothing, however many are asked for at once', async () => {
    // All are under way before the first is answered.
    const all = 10 * services.length;
    const { promise, resolve } = Promise.withResolvers<void>();
    meanwhile = () => {
      if (lookedUp.length === all) resolve();
      return promise;
    };
    const told = await identify(Array.from({ length: 2 * all }, () => 'amelia'));
    expect(new Set(told)).toEqual(new Set([amelia]));
    expect(await services[0]?.storage.get(attempts, 'unknown-hints:prober')).toBeUndefined();
    for (const stranger of strangers(49)) await identify([stranger]);
    expect(await identify(['amelia'])).toEqual([amelia]);
    expect(await identify(['person-50'])).toEqual(['unknown_user_id']);
    expect(await identify(['amelia'])).toEqual(['access_denied']);
  }, 60_000);

  test('what a bank that is away did not answer is no guess', async () => {
    meanwhile = () => Promise.reject(new Error('the bank is away'));
    expect(new Set(await identify(strangers(60)))).toEqual(new Set(['the bank is away']));
    meanwhile = async () => {};
    expect(await identify(['amelia'])).toEqual([amelia]);
  }, 60_000);

  test('a bank that never answers keeps nobody, and is asked for so many only', async () => {
    meanwhile = () => new Promise(() => {});
    const ask = (clientId: string) => services[0]?.hasty.identify(clientId, { login: 'amelia' });
    const told = await Promise.allSettled(Array.from({ length: 120 }, () => ask('prober')));
    const refusal = { status: 'rejected', reason: { error: 'temporarily_unavailable' } };
    for (const answer of told) expect(answer).toMatchObject(refusal);
    expect(lookedUp).toHaveLength(110);
    meanwhile = async () => {};
    expect(await ask('prober')).toBe(amelia);
  }, 60_000);
});
