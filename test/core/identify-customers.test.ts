import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openStorage } from '../../adapters/open-storage.js';
import { createApprovals } from '../../core/approvals-service.js';
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
  let isBankAway: boolean;

  beforeEach(async () => {
    lookedUp = [];
    isBankAway = false;
    const database = await kind.create();
    services = [await start(database), await start(database)];
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
        if (isBankAway) throw new Error('the bank is away');
        return ledger.identify(hint);
      },
    };
    const approvals = createApprovals({ storage, clock, ledger: observed, intentService });
    return { storage, approvals };
  }

  /** What is told of each of these logins, asked all at once, in turn of either process. */
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

  test('SEC-24: many guesses at once are looked up no more often than one after the other', async () => {
    const told = await identify([...strangers(300), 'amelia']);
    expect(lookedUp.length).toBeLessThanOrEqual(50);
    expect(told.filter((answer) => answer === 'unknown_user_id')).toHaveLength(lookedUp.length);
    expect(told.at(-1)).toBe('access_denied');
    expect(await identify(['amelia'])).toEqual(['access_denied']);
    clock.advance(15 * 60 + 1);
    expect(await identify(['amelia'])).toEqual([amelia]);
  }, 60_000);

  test('customers who are known cost nothing, however many are asked for at once', async () => {
    const told = await identify(Array.from({ length: 120 }, () => 'amelia'));
    expect(new Set(told)).toEqual(new Set([amelia]));
    for (const stranger of strangers(49)) await identify([stranger]);
    expect(await identify(['amelia'])).toEqual([amelia]);
    expect(await identify(['person-50'])).toEqual(['unknown_user_id']);
    expect(await identify(['amelia'])).toEqual(['access_denied']);
  }, 60_000);

  test('what a bank that is away did not answer is no guess', async () => {
    isBankAway = true;
    expect(new Set(await identify(strangers(60)))).toEqual(new Set(['the bank is away']));
    isBankAway = false;
    expect(await identify(['amelia'])).toEqual([amelia]);
  }, 60_000);
});
