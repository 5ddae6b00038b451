import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Agent, request } from 'undici';
import type {
  AnswerOutcome,
  ConnectorState,
  InstitutionConnector,
} from '../../core/institution.js';
import { createSimulatedLegacyConnector } from '../../institutions/simulated-legacy/create-simulated-legacy-connector.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { demoCustomers } from '../../sandbox/bank/demo-people.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import { startLegacyBank } from '../../sandbox/legacy-bank/start-legacy-bank.js';
import { freePort } from '../support/free-port.js';
import { createMovableClock, redirectUri, state, terms } from './support/connect-to-bank.js';

const clock = createMovableClock();
const hours = (count: number) => count * 3600;

let directory: string;
let bank: { stop(): Promise<void> };
let url: string;
let agent: Agent;
let connector: InstitutionConnector;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-legacy-'));
  const authority = await openCertificateAuthority(directory, clock);
  const port = await freePort();
  url = `https://127.0.0.1:${port}`;
  const server = await authority.server('server');
  const ledger = createDemoLedger({ clock });
  bank = await startLegacyBank({ url, port, server, ledger, clock });
  const certificateAuthority = await readFile(authority.certificate, 'utf8');
  agent = new Agent({ connect: { ca: certificateAuthority } });
  connector = createSimulatedLegacyConnector({
    bankName: 'Old Mill Bank',
    url,
    certificateAuthority,
    timeoutSeconds: 20,
    clock,
  });
});
afterAll(async () => {
  await agent.destroy();
  await bank.stop();
  await rm(directory, { recursive: true });
});

function loginOf(name: string) {
  const customer = demoCustomers.find(({ login }) => login === name);
  if (!customer) throw new RangeError(`nobody called ${name}`);
  return { user_name: customer.login, password: customer.password };
}

/** Reads the code from the person's phone. */
async function codeOf(name: string): Promise<string> {
  const page = await request(`${url}/phone`, { dispatcher: agent });
  const [, code = ''] =
    new RegExp(`id="code-of-${name}">(\\d{6})<`).exec(await page.body.text()) ?? [];
  return code;
}

async function begin(renews?: { by: 'reauth' | 'refresh'; authorization: ConnectorState }) {
  const start = await connector.begin({ terms, state, redirectUri, ...(renews && { renews }) });
  if (!('ask' in start)) throw new TypeError('the bank has a page of its own');
  return start;
}

async function answer(attempt: ConnectorState, answers: Record<string, string>) {
  if (!connector.answer) throw new TypeError('the connector takes no answers');
  // As from storage.
  return connector.answer({ attempt: JSON.parse(JSON.stringify(attempt)), answers });
}

function asked(outcome: AnswerOutcome) {
  if (outcome.outcome !== 'asked') throw new TypeError(`the visit is ${outcome.outcome}`);
  return outcome;
}

function authorised(outcome: AnswerOutcome) {
  if (outcome.outcome !== 'authorised') throw new TypeError(`the visit is ${outcome.outcome}`);
  return outcome;
}

async function signIn(name: string) {
  const outcome = await answer((await begin()).attempt, loginOf(name));
  if (outcome.outcome !== 'asked') return authorised(outcome);
  return authorised(await answer(outcome.attempt, { code: await codeOf(name) }));
}

describe('a visit', () => {
  it('asks for user name and password, then for the code, and names the person', async () => {
    const start = await begin();
    expect(start.ask).toMatchObject([
      { name: 'user_name', secret: false, autocomplete: 'username' },
      { name: 'password', secret: true, autocomplete: 'current-password' },
    ]);
    const { user_name, password } = loginOf('amelia');
    const code = asked(
      await answer(start.attempt, { user_name: ` ${user_name.toUpperCase()} `, password }),
    );
    expect(code).toMatchObject({
      ask: [{ name: 'code', autocomplete: 'one-time-code', inputMode: 'numeric' }],
    });
    expect(code.problem).toBeUndefined();
    const sent = await codeOf('amelia');
    const spaced = `${sent.slice(0, 3)} ${sent.slice(3)}`;
    expect(await answer(code.attempt, { code: spaced })).toMatchObject({
      outcome: 'authorised',
      subject: 'amelia',
    });
  });

  it('asks no code of whom the bank asks none', async () => {
    const { attempt } = await begin();

    expect(await answer(attempt, loginOf('daniel'))).toMatchObject({ subject: 'daniel' });
  });

  it.each([
    ['no answer', {}],
    ['an empty password', { user_name: 'amelia', password: '' }],
    ['a wrong password', { user_name: 'amelia', password: 'harbour' }],
    ['an unknown name', { user_name: 'nobody', password: 'harbour' }],
  ])('asks again after %s, and says why', async (_what, answers) => {
    const again = asked(await answer((await begin()).attempt, answers));

    expect(again.ask.map(({ name }) => name)).toEqual(['user_name', 'password']);
    expect(again.problem).toMatch(/user name and (your )?password/);
    expect(JSON.stringify(again)).not.toContain('harbour');
    expect(await answer(again.attempt, loginOf('daniel'))).toMatchObject({ subject: 'daniel' });
  });

  it('is over after five wrong passwords', async () => {
    let { attempt } = await begin();
    const wrong = { user_name: 'amelia', password: 'guess' };
    for (let guess = 1; guess <= 4; guess += 1) ({ attempt } = asked(await answer(attempt, wrong)));

    expect(await answer(attempt, wrong)).toMatchObject({ outcome: 'refused' });
  });

  it('asks a wrong code again, and the login again where the bank wants it', async () => {
    const code = asked(await answer((await begin()).attempt, loginOf('amelia')));
    const empty = asked(await answer(code.attempt, { code: ' ' }));
    const first = asked(await answer(empty.attempt, { code: 'abcdef' }));
    expect(first).toMatchObject({
      ask: [{ name: 'code' }],
      problem: expect.stringMatching(/code/),
    });
    const second = asked(await answer(first.attempt, { code: '12' }));
    const third = asked(await answer(second.attempt, { code: 'abcdef' }));
    expect(third.ask.map(({ name }) => name)).toEqual(['user_name', 'password']);
    expect(third.problem).toMatch(/start again/);
    expect(await answer(third.attempt, loginOf('amelia'))).toMatchObject({ outcome: 'asked' });
    expect(await answer(code.attempt, { code: 'abcdef' })).toMatchObject({
      problem: expect.stringMatching(/start again/),
    });
  });

  it('is refused where the bank shows the person nothing', async () => {
    const code = asked(await answer((await begin()).attempt, loginOf('george')));

    expect(await answer(code.attempt, { code: await codeOf('george') })).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(/^Old Mill Bank .*\.$/),
    });
  });

  it('is not one of a browser that comes back, nor of another connector', async () => {
    const visit = { attempt: {}, callback: new URLSearchParams({ code: 'x' }), redirectUri };

    await expect(connector.complete(visit)).rejects.toMatchObject({ code: 'invalid_callback' });
    await expect(answer({ stage: 'code' }, { code: '1' })).rejects.toMatchObject({
      code: 'invalid_callback',
    });
  });
});

describe('reading', () => {
  it('brings the accounts and the transactions of the window, the same as the ledger', async () => {
    const ledger = createDemoLedger({ clock });
    const { authorization } = await signIn('amelia');
    const session = await connector.open(authorization);
    const [customer] = demoCustomers;
    const held = await ledger.accounts(customer?.id ?? '');
    if ('refused' in held) throw new TypeError('refused');
    expect(await session.accounts()).toEqual(
      held.map(({ id, nickname, balance, sortCode, accountNumber }, index) => ({
        upstreamId: id,
        name: nickname,
        type: ['cash:current', 'savings', 'card'][index],
        holder: 'personal',
        currency: 'GBP',
        balance: { amount: balance, at: expect.any(Date) },
        identification: { sortCode, accountNumber },
      })),
    );

    const to = new Date(clock.now() - 3_600_000);
    const window = { from: new Date(+to - 400 * 86_400_000), to };
    const pages: number[] = [];
    const read = [];
    for await (const page of session.transactions('22289', window)) {
      pages.push(page.length);
      read.push(...page);
    }
    const booked = await ledger.transactions('22289', window, { offset: 0, limit: 10_000 });
    expect(pages.length).toBeGreaterThan(3);
    expect(read).toEqual(
      booked.transactions.map(({ id, bookedAt, amount, information, status }) => ({
        upstreamId: id,
        bookedAt,
        amount,
        currency: 'GBP',
        description: information,
        status: status === 'Booked' ? 'posted' : 'pending',
      })),
    );
  });

  it('signs in again by itself while the bank trusts us, and not after twelve hours', async () => {
    const { authorization } = await signIn('amelia');
    clock.advance(hours(1));
    const session = await connector.open(authorization);
    expect(session.authorization).not.toEqual(authorization);
    expect(await session.accounts()).toHaveLength(3);

    clock.advance(hours(12));
    await expect(connector.open(session.authorization)).rejects.toMatchObject({
      code: 'input_required',
    });
  });

  it('needs the person again where the password was changed or is not there', async () => {
    const { authorization } = await signIn('daniel');
    clock.advance(hours(1));
    const changed = { ...authorization, password: 'the-old-one' };

    for (const lost of [changed, {}]) {
      const error = await connector.open(lost).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'authorization_lost' });
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('the-old-one');
    }
  });

  it('ends where the session does', async () => {
    const { authorization } = await signIn('daniel');
    const session = await connector.open(authorization);
    clock.advance(hours(1));

    await expect(session.accounts()).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('renewing', () => {
  it('refreshes with the code alone, and reads again', async () => {
    const { authorization } = await signIn('amelia');
    clock.advance(hours(13));
    const start = await begin({ by: 'refresh', authorization });
    expect(start.ask.map(({ name }) => name)).toEqual(['code']);
    const renewed = authorised(await answer(start.attempt, { code: await codeOf('amelia') }));
    expect(renewed.subject).toBe('amelia');
    expect(await (await connector.open(renewed.authorization)).accounts()).toHaveLength(3);
  });

  it('refreshes with nothing where the bank asks nothing', async () => {
    const { authorization } = await signIn('daniel');
    const start = await begin({ by: 'refresh', authorization });

    expect(start.ask).toEqual([]);
    expect(await answer(start.attempt, {})).toMatchObject({ subject: 'daniel' });
  });

  it('asks for the login where the kept one is refused, and always on reauth', async () => {
    const { authorization } = await signIn('daniel');
    const changed = { ...authorization, password: 'the-old-one' };

    for (const renews of [
      { by: 'refresh' as const, authorization: changed },
      { by: 'reauth' as const, authorization },
    ]) {
      const { ask, attempt } = await begin(renews);
      expect(ask.map(({ name }) => name)).toEqual(['user_name', 'password']);
      expect(JSON.stringify([ask, attempt])).not.toContain(renews.authorization.password);
    }
  });
});

it('has the bank forget it, as often as that is asked', async () => {
  const { authorization } = await signIn('amelia');
  await connector.revoke(authorization);
  await connector.revoke(authorization);
  await connector.revoke({});

  await expect(connector.open(authorization)).rejects.toMatchObject({ code: 'input_required' });
});
