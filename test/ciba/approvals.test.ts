import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type BankVisit, bankVisits } from '../../core/bank-visit.js';
import { put } from '../../core/storage.js';
import { formOf, textOf } from '../security/support/visitor.js';
import {
  amelia,
  daniel,
  decide,
  decideLatest,
  forIntent,
  linksOf,
  type Phone,
  type RunningCiba,
  signIn,
  startCiba,
} from './support/start-ciba.js';

let bank: RunningCiba;
let phone: Phone;

beforeAll(async () => {
  bank = await startCiba();
});
afterAll(() => bank.stop());
beforeEach(() => {
  bank.clock.advance(1000);
  phone = bank.openPhone();
});

const home = () => `${bank.configuration.publicUrl}/approvals`;
const errorOf = async (authReqId: string) => (await bank.till.poll(authReqId)).body.error;

/** The page of the latest request, for somebody who has signed in. */
async function openLatest(who = amelia) {
  const [latest = ''] = linksOf(await signIn(bank, phone, who));
  return phone.go(latest);
}

async function lookAt(link: string): Promise<string> {
  const device = bank.openPhone();
  device.jar.push(...phone.jar);
  return textOf((await device.go(link)).html);
}

describe('the list', () => {
  test('shows who asks, what, the message and until when, and nothing of other people', async () => {
    await bank.rival.mustAsk({ login_hint: daniel.login, binding_message: 'for-daniel' });
    await bank.till.mustAsk({ scope: 'openid', binding_message: 'A-17' });
    await bank.rival.mustAsk({ binding_message: 'B-42' });
    const page = await signIn(bank, phone);
    const text = textOf(page.html);
    for (const shown of [
      'Amelia Hart',
      'The till',
      'A-17',
      'To know that it is you',
      'The rival',
    ]) {
      expect(text).toContain(shown);
    }
    expect(text).toMatch(/Until \d\d:\d\d UK time/);
    expect(text).not.toContain('for-daniel');
    expect(linksOf(page)).toHaveLength(2);
    bank.clock.advance(301);
    const later = await phone.go(home());
    expect(linksOf(later)).toEqual([]);
    expect(textOf(later.html)).toContain('Nothing waits for your approval');
  });

  test('is for those who have signed in, for a quarter of an hour', async () => {
    await bank.till.mustAsk();
    const page = await signIn(bank, phone);
    expect(linksOf(page)).toHaveLength(1);
    const stranger = await bank.openPhone().go(home());
    expect(textOf(stranger.html)).toContain('Sign in to Northbank');
    expect(linksOf(stranger)).toEqual([]);
    bank.clock.advance(15 * 60 + 1);
    expect(textOf((await phone.go(home())).html)).toContain('Sign in to Northbank');
  });

  test('ends with signing out, also for a copy of the cookie', async () => {
    const page = await signIn(bank, phone);
    const copy = bank.openPhone();
    copy.jar.push(...phone.jar);
    expect(textOf((await copy.go(home())).html)).toContain('Signed in as');
    await phone.submit(page, '/sign-out');
    expect(textOf((await copy.go(home())).html)).toContain('Sign in to Northbank');
  });

  test('has headers that let nothing in and nothing out', async () => {
    await phone.go(home());
    const { headers } = await signIn(bank, phone);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('cache-control')).toBe('no-store');
    const cookies = phone.answers.flatMap((answer) => answer.headers.getSetCookie());
    expect(cookies.length).toBeGreaterThan(1);
    for (const cookie of cookies) {
      expect(cookie).toMatch(
        /^__Host-assent-approvals=[\w-]{43}; path=\/; secure; httponly; samesite=lax|^__Host-assent-approvals=[\w-]{43};(?=.*secure)(?=.*httponly)(?=.*samesite=lax)/i,
      );
    }
  });
});

describe('signing in', () => {
  test('says the same of a wrong password and an unknown login (SEC-24), and gives up after five', async () => {
    const guess = async (login: string) => {
      const page = await phone.go(home());
      const answer = await phone.submit(page, '/sign-in', [
        ['login', login],
        ['password', 'guess'],
      ]);
      return { status: answer.status, text: textOf(answer.html) };
    };
    for (const login of ['amelia', 'nobody']) {
      const guesses = await Promise.all(Array.from({ length: 9 }, () => guess(login)));
      const statuses = guesses.map(({ status }) => status);
      expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(5);
      expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(4);
      phone = bank.openPhone();
    }
    const right = await signIn(bank, bank.openPhone());
    expect(right.status).toBe(429);
    bank.clock.advance(15 * 60 + 1);
    const [wrong, unknown] = [await guess('amelia'), await guess('nobody')];
    expect(wrong).toEqual(unknown);
  });

  test('gives another cookie than the one before, which opens nothing (fixation)', async () => {
    const page = await phone.go(home());
    const before = phone.jar.map(({ value }) => value);
    const planted = bank.openPhone();
    planted.jar.push(...phone.jar);
    await phone.submit(page, '/sign-in', Object.entries(amelia));
    expect(phone.jar.map(({ value }) => value)).not.toEqual(before);
    expect(textOf((await planted.go(home())).html)).toContain('Sign in to Northbank');
  });

  test('leads to the request that a link named, and a mistake can be reloaded', async () => {
    await bank.till.mustAsk({ binding_message: 'linked' });
    const [link = ''] = linksOf(await signIn(bank, bank.openPhone()));
    const page = await phone.go(link);
    const empty = await phone.submit(page, '/sign-in', [['login', ' ']]);
    expect(empty.status).toBe(400);
    expect(textOf(empty.html)).toContain('Enter your login. Enter your password.');
    const half = await phone.submit(empty, '/sign-in', [['login', 'amelia']]);
    expect(half.status).toBe(400);
    expect(textOf(half.html)).not.toContain('Enter your login');
    expect((await phone.go(empty.url)).url.href).toBe(link);
    const opened = await phone.submit(empty, '/sign-in', Object.entries(amelia));
    expect(opened.url.href).toBe(link);
    expect(textOf(opened.html)).toContain('linked');
  });
});

describe('a request', () => {
  test('shows the terms of its intent, and can be decided there and nowhere else', async () => {
    const intentId = await bank.till.register(['ReadAccountsBasic', 'ReadBalances']);
    const asked = await bank.till.mustAsk({ ...forIntent(intentId), binding_message: 'A-17' });
    const page = await openLatest();
    const text = textOf(page.html);
    for (const shown of [
      'The till',
      'A-17',
      'must show you exactly this',
      'Everyday',
      'Balances',
    ]) {
      expect(text.toLowerCase()).toContain(shown.toLowerCase());
    }
    expect(text).not.toContain('31820447');
    // Looking is no decision, and neither is a form that says nothing (no auto-approve, SEC-23).
    expect(await errorOf(asked)).toBe('authorization_pending');
    await phone.submit(page, '/decision', [['account', '22289']]);
    await phone.submit(page, '/decision', [['decision', 'perhaps']]);
    bank.clock.advance(10);
    expect(await errorOf(asked)).toBe('authorization_pending');
    const nothing = await decide(phone, page, 'approve', []);
    expect(nothing.status).toBe(400);
    expect(textOf(nothing.html)).toContain('Choose at least one account');
    expect((await decide(phone, page, 'approve', ['60233', '', '1'])).status).toBe(400);
    const done = await decide(phone, nothing, 'approve', ['22289', '60233']);
    expect(textOf(done.html)).toContain('You have approved this');
    expect((await bank.till.poll(asked)).status).toBe(200);
    // The same form again changes nothing.
    expect(textOf((await decide(phone, page, 'refuse')).html)).toContain('You have approved this');
  });

  test('that is decided after the visit has ended is shown again after signing in', async () => {
    await signIn(bank, phone);
    bank.clock.advance(15 * 60 - 10);
    const asked = await bank.till.mustAsk({ binding_message: 'late' });
    const [latest = ''] = linksOf(await phone.go(home()));
    const page = await phone.go(latest);
    bank.clock.advance(11);
    const login = await decide(phone, page, 'approve');
    expect(textOf(login.html)).toContain('Sign in to Northbank');
    const again = await phone.submit(login, '/sign-in', Object.entries(amelia));
    expect(again.url.href).toBe(page.url.href);
    expect(textOf(again.html)).toContain('late');
    await decide(phone, again, 'approve');
    expect((await bank.till.poll(asked)).status).toBe(200);
  });

  test('of another customer is not there, for looking, deciding and guessing', async () => {
    const asked = await bank.till.mustAsk();
    const page = await openLatest();
    const thief = bank.openPhone();
    const own = await signIn(bank, thief, daniel);
    const looked = await thief.go(page.url);
    const absent = await thief.go(`${home()}/${'A'.repeat(43)}`);
    expect([looked.status, absent.status]).toEqual([404, 404]);
    const csrf = formOf(own, '/sign-out').hidden;
    const body = new URLSearchParams([
      ...csrf.map(([name, value]) => [name, value]),
      ['decision', 'approve'],
      ['account', '22289'],
    ] as [string, string][]);
    const taken = await thief.ask(new URL(`${page.url.href}/decision`), {
      method: 'POST',
      body: body.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(taken.status).toBe(404);
    expect(await errorOf(asked)).toBe('authorization_pending');
  });

  test('is decided by our own page alone (SEC-11)', async () => {
    const asked = await bank.till.mustAsk();
    const page = await openLatest();
    const decision = [
      ['account', '22289'],
      ['decision', 'approve'],
    ] as const;
    for (const csrf of ['', 'x', 'A'.repeat(43)]) {
      const forged = await phone.submit(page, '/decision', [...decision, ['csrf', csrf]]);
      expect(forged.status).toBe(403);
    }
    for (const headers of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      expect((await phone.submit(page, '/decision', decision, headers)).status).toBe(403);
    }
    expect(await errorOf(asked)).toBe('authorization_pending');
    const login = await bank.openPhone().go(home());
    const fresh = bank.openPhone();
    const foreign = await fresh.submit(login, '/sign-in', Object.entries(amelia));
    expect(foreign.status).toBe(403);
  });

  test('says that it has expired, was withdrawn, or was asked for again', async () => {
    await bank.till.mustAsk({ binding_message: 'late' });
    const late = await openLatest();
    bank.clock.advance(301);
    expect(textOf((await phone.go(late.url)).html)).toContain('This request has expired');
    const tooLate = await decide(phone, late, 'approve');
    expect(textOf(tooLate.html)).toContain('This request has expired');

    const intentId = await bank.till.register();
    const asked = await bank.till.mustAsk(forIntent(intentId));
    phone = bank.openPhone();
    const page = await openLatest();
    await bank.till.intent(intentId, 'DELETE');
    expect(textOf((await decide(phone, page, 'approve')).html)).toContain(
      'This is no longer asked',
    );
    expect(await errorOf(asked)).toBe('authorization_pending');
  });

  test('without an intent or a message gives way to the next of its client (FAPI-CIBA §5.2.2-2)', async () => {
    const first = await bank.till.mustAsk();
    const older = await openLatest();
    bank.clock.advance(1);
    const second = await bank.till.mustAsk();
    await bank.rival.mustAsk();
    const named = await bank.till.mustAsk({ binding_message: 'named' });
    const links = linksOf(await phone.go(home()));
    expect(links).toHaveLength(3);
    expect(links).not.toContain(older.url.href);
    const page = await decide(phone, older, 'approve');
    expect(textOf(page.html)).toContain('A newer request has taken its place');
    await Promise.all(links.map(async (link) => decide(phone, await phone.go(link), 'approve')));
    expect(await errorOf(first)).toBe('authorization_pending');
    expect((await bank.till.poll(second)).status).toBe(200);
    expect((await bank.till.poll(named)).status).toBe(200);
  });

  test('decided in two tabs at once, both ways, is decided once', async () => {
    for (let times = 0; times < 5; times += 1) {
      const asked = await bank.till.mustAsk({ binding_message: `tabs-${times}` });
      const page = await openLatest();
      const both = await Promise.all([
        decide(phone, page, 'approve'),
        decide(phone, page, 'refuse'),
      ]);
      const [said, same] = both.map(({ html }) => /You have (\w+) this/.exec(html)?.[1]);
      expect(same).toBe(said);
      const { status, body } = await bank.till.poll(asked);
      if (said === 'approved') expect(status).toBe(200);
      else expect(body.error).toBe('access_denied');
      phone = bank.openPhone();
    }
  });

  test('wants who has signed in lately where the client says so (max_age)', async () => {
    await bank.till.mustAsk({ max_age: 60, binding_message: 'fresh' });
    const page = await openLatest();
    expect(textOf(page.html)).toContain('Do you approve this?');
    bank.clock.advance(61);
    const again = await decide(phone, page, 'approve');
    expect(textOf(again.html)).toContain('Sign in to Northbank');
    expect(textOf(again.html)).toContain('Enter your password again');
    const back = await phone.submit(again, '/sign-in', Object.entries(amelia));
    expect(textOf((await decide(phone, back, 'approve')).html)).toContain('You have approved this');
  });

  test('that wants a second factor is approved with a code, and the tokens say so (acr)', async () => {
    const acr = 'urn:openbanking:psd2:sca';
    const weak = await bank.till.mustAsk({ binding_message: 'weak' });
    const strong = await bank.till.mustAsk({ acr_values: acr, binding_message: 'strong' });
    const list = await signIn(bank, phone);
    const texts = await Promise.all(linksOf(list).map(async (link) => [link, await lookAt(link)]));
    const [link = '', why] = texts.find(([, text]) => text?.includes('Sign in to Northbank')) ?? [];
    expect(why).toContain('This request needs your password again and a code.');
    // A password was enough to see that it waits, and is not to decide it.
    phone = bank.openPhone();
    const wrong = { ...amelia, password: 'wrong' };
    const missed = await phone.submit(await phone.go(link), '/sign-in', Object.entries(wrong));
    expect(textOf(missed.html)).toContain('This request needs your password and a code.');
    const entry = await phone.submit(await phone.go(link), '/sign-in', Object.entries(amelia));
    expect(textOf(entry.html)).toContain('Enter the code we sent you');
    expect(textOf(entry.html)).toContain('to see what waits for your approval');
    expect((await phone.submit(entry, '/code', [['code', '000000']])).status).toBe(401);
    expect(textOf((await phone.go(home())).html)).toContain('Enter the code we sent you');
    const again = await phone.submit(await phone.go(link), '/new-code');
    const [, code = ''] = / (\d{6}) is your code/.exec(again.html) ?? [];
    const question = await phone.submit(again, '/code', [['code', code]]);
    expect(textOf(question.html)).toContain('strong');
    await decide(phone, question, 'approve');
    const { body } = await bank.till.poll(strong);
    expect(decodeJwt(String(body.id_token)).acr).toBe(acr);
    // The same visit is more than enough for the other.
    const other = linksOf(await phone.go(home()))[0] ?? '';
    await decide(phone, await phone.go(other), 'approve');
    expect((await bank.till.poll(weak)).status).toBe(200);
  });

  test('that wants more than the customer, or the bank, can prove is not approved', async () => {
    const acr_values = 'urn:openbanking:psd2:sca';
    const asked = await bank.till.mustAsk({ login_hint: 'noah', scope: 'openid', acr_values });
    const noah = { login: 'noah', password: 'quiet-orchard-08' };
    const [link = ''] = linksOf(await signIn(bank, phone, noah));
    const page = await phone.go(link);
    const refused = await phone.submit(page, '/sign-in', Object.entries(noah));
    expect(refused.status).toBe(403);
    expect(textOf(refused.html)).toContain('This cannot be approved here');
    expect(await errorOf(asked)).toBe('authorization_pending');
    const { body } = await bank.till.ask({ acr_values: 'urn:mace:incommon:iap:silver' });
    expect(body.error).toBe('unmet_authentication_requirements');
  });

  test("an interaction's id, which stands in an address, is no cookie of the approvals", async () => {
    const uid = 'A'.repeat(43);
    const authentication = {
      acr: 'urn:openbanking:psd2:ca',
      amr: ['pwd'],
      at: '2026-01-01T00:00:00Z',
    };
    const visit = { customerId: 'cust-5e1d0c27', authentication } as const;
    await bank.storage.commit([put(bankVisits, uid, visit as BankVisit)]);
    await phone.go(home());
    const [cookie] = phone.jar;
    phone.jar.splice(0, 1, { ...(cookie ?? { name: '', path: '/', host: '' }), value: uid });
    expect(textOf((await phone.go(home())).html)).toContain('Sign in to Northbank');
  });

  test('of somebody whose bank shares nothing can only be refused', async () => {
    const asked = await bank.till.mustAsk({ login_hint: 'george' });
    const page = await openLatest({ login: 'george', password: 'amber-railway-29' });
    expect(textOf(page.html)).toContain('Online sharing is switched off');
    expect(page.html).not.toContain('value="approve"');
    expect((await decide(phone, page, 'approve')).status).toBe(400);
    await decide(phone, page, 'refuse');
    expect(await errorOf(asked)).toBe('access_denied');
  });
});

test('a client of that name is no address, and hostile names stay text', async () => {
  const hostile = await bank.connectClient('hostile', { client_name: '<script>alert(1)</script>' });
  await hostile.mustAsk({ binding_message: 'shown' });
  const page = await openLatest();
  expect(page.html).not.toContain('<script>');
  expect(textOf(page.html)).toContain('shown');
  await decideLatest(bank, 'refuse');
});
