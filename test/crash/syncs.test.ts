import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openStorage } from '../../adapters/open-storage.js';
import { accounts, transactions } from '../../core/account.js';
import { bankCalls } from '../../core/bank-budget.js';
import { systemClock } from '../../core/clock.js';
import { domainCollections } from '../../core/collections.js';
import { connections } from '../../core/connection.js';
import { publishEvent } from '../../core/event.js';
import { jobs } from '../../core/job.js';
import type { Storage } from '../../core/storage.js';
import { syncs } from '../../core/sync.js';
import { connectPerson } from '../api/support/connect-person.js';
import { grants } from '../api/support/start-api.js';
import {
  coffee,
  type Handler,
  issueCertificates,
  type ScriptedBank,
  sendJson,
  startScriptedBank,
} from '../institutions/support/scripted-bank.js';
import type { SyncProcessCommand, SyncProcessOptions } from './sync-process.js';

const hooks = new URL('../adapters/support/processes/typescript-specifiers.ts', import.meta.url);
const transactionsRoute = 'GET /aisp/accounts/a-1/transactions';

let folder: string;
let storage: Storage;
let bank: ScriptedBank;
let options: Omit<SyncProcessOptions, 'ahead'>;
let connectionId: string;
const children: ChildProcess[] = [];
/** What the bank saw: how often a refresh token came again, and how many fetches at once. */
const seen = { reused: 0, atOnce: 0, mostAtOnce: 0 };

beforeEach(async () => {
  Object.assign(seen, { reused: 0, atOnce: 0, mostAtOnce: 0 });
  folder = await mkdtemp(join(tmpdir(), 'assent-syncs-'));
  const url = `sqlite:${join(folder, 'store.db')}`;
  const masterKey = { file: join(folder, 'master.key') };
  const collections = [...domainCollections, grants];
  storage = await openStorage({ url, masterKey, collections, clock: systemClock });
  const certificates = await issueCertificates();
  bank = await startScriptedBank(certificates);
  bank.script('POST /mtls/token', rotateTokens());
  bank.script(transactionsRoute, slowly);
  const { issuer, resourceUrl } = bank;
  options = {
    ...{ url, masterKey },
    connector: {
      ...{ bankName: 'Test Bank', issuer, resourceUrl, clientId: 'assent' },
      ...{ tokenEndpointAuthMethod: 'tls_client_auth', request: 'pushed', timeoutSeconds: 30 },
      ...certificates.client,
      certificateAuthority: certificates.authority.certificate,
    },
  };
  ({ connectionId } = await connectPerson({ storage, clock: systemClock }, { connection }));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await bank.stop();
  await storage.close();
  await rm(folder, { recursive: true, force: true });
});

/** Its access token has ended, so that each sync has to use the refresh token. */
const connection = {
  authorization: {
    intentId: 'intent-1',
    permissions: [],
    accessToken: 'old',
    accessTokenExpiresAt: '2020-01-01T00:00:00.000Z',
    refreshToken: 'refresh-0',
  },
};

/** A bank that takes each refresh token once, and access tokens that end at once. */
function rotateTokens(): Handler {
  let current = 0;
  return ({ form }, response) => {
    if (form.get('refresh_token') !== `refresh-${current}`) {
      seen.reused++;
      return sendJson(response, 400, { error: 'invalid_grant' });
    }
    current++;
    sendJson(response, 200, {
      ...{ token_type: 'Bearer', expires_in: 1 },
      ...{ access_token: `access-${current}`, refresh_token: `refresh-${current}` },
    });
  };
}

const slowly: Handler = async (_request, response) => {
  seen.atOnce++;
  seen.mostAtOnce = Math.max(seen.mostAtOnce, seen.atOnce);
  await wait(200);
  seen.atOnce--;
  const at = new Date(Date.now() - 86_400_000).toISOString();
  sendJson(response, 200, { Data: { Transaction: [{ ...coffee, BookingDateTime: at }] } });
};

async function startProcess(ahead = 0) {
  const child = fork(join(import.meta.dirname, 'sync-process.ts'), {
    execArgv: ['--import', hooks.href],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  children.push(child);
  async function tell(command: SyncProcessCommand): Promise<string> {
    child.send(command);
    const [answer] = await once(child, 'message');
    return String(answer);
  }
  await tell({ start: { ...options, ahead } });
  return { child, tell };
}

async function ended(syncId: string) {
  for (;;) {
    const sync = (await storage.get(syncs, syncId))?.value;
    if (sync?.fetchStatus) return sync;
    await wait(50);
  }
}

async function completions(): Promise<number> {
  const { records } = await storage.find(jobs, { index: 'due', from: '', limit: 1000 });
  const events = records.map(({ value }) => publishEvent.data.safeParse(value.data).data?.type);
  return events.filter((type) => type === 'syncCompleted').length;
}

test('two processes with syncs of one connection fetch one after the other', async () => {
  const [one, other] = await Promise.all([startProcess(), startProcess()]);
  const order = { order: connectionId };
  const ordered = await Promise.all([one.tell(order), other.tell(order)]);
  const ends = await Promise.all(ordered.map(ended));
  expect(ends.map(({ fetchStatus }) => fetchStatus)).toEqual(['success', 'success']);
  expect(seen).toMatchObject({ reused: 0, mostAtOnce: 1 });
  expect(await completions()).toBe(2);

  const request = { request: connectionId };
  const answers = await Promise.all([one.tell(request), other.tell(request)]);
  // The other joins it, or comes when it has just ended.
  expect(new Set(answers.filter((answer) => answer !== 'refused')).size).toBe(1);
  const spent = await storage.get(bankCalls, connectionId);
  expect(spent?.value.unattended).toHaveLength(1);
}, 90_000);

test('a sync cut short by kill -9 is taken up by another process', async () => {
  let reached = () => {};
  const reading = new Promise<void>((resolve) => {
    reached = resolve;
  });
  bank.script(transactionsRoute, () => reached());
  const first = await startProcess();
  const syncId = await first.tell({ order: connectionId });
  await reading;
  first.child.kill('SIGKILL');
  expect((await storage.get(syncs, syncId))?.value).not.toHaveProperty('fetchStatus');

  bank.script(transactionsRoute, slowly);
  await startProcess(180);
  expect(await ended(syncId)).toMatchObject({ fetchStatus: 'success' });
  expect(seen.reused).toBe(0);
  expect(await completions()).toBe(1);
  const stored = (await storage.get(connections, connectionId))?.value;
  expect(stored).toMatchObject({ status: 'ok' });
  expect(stored).not.toHaveProperty('turn');
  const [account] = (
    await storage.find(accounts, { index: 'connection', equals: connectionId, limit: 9 })
  ).records;
  expect(await storage.count(transactions, 'account', account?.id ?? '')).toBe(1);
}, 90_000);
