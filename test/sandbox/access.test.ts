import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { formOf, textOf, type VisitedPage, type Visitor } from '../security/support/visitor.js';
import { claimsFor, startVisits, type Visits } from '../security/support/visits.js';

/* The bank's page for its customers: who sees their data, and the end of it. */

let directory: string;
let visits: Visits;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-access-'));
  visits = await startVisits(directory);
});
afterAll(async () => {
  await visits?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function call(method: string, scope: string, path: string, sub?: string) {
  const { body: granted } = await visits.post('/oidc/token', {
    grant_type: 'client_credentials',
    ...(sub !== undefined && { sub }),
    scope,
  });
  const answer = await visits.fetch(`${visits.urls.assent}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${granted.access_token}`,
      'content-type': 'application/json',
    },
    ...(method === 'POST' && { body: '{}' }),
  });
  const body: Record<string, unknown> = JSON.parse((await answer.text()) || '{}');
  return { status: answer.status, body };
}

/** Ongoing access for a new user, with every account of the joint holder. */
async function connect() {
  const { body: user } = await call('POST', 'user:create', '/users');
  const userId = String(user.userId);
  const { institution } = visits.person('joint');
  const person = visits.newVisitor();
  const scope = `openid offline_access id:${institution}`;
  const begun = await visits.begin({ scope, claims: claimsFor(userId) });
  const accounts = await visits.goToAccounts(person, begun);
  const { body: tokens } = await visits.redeem(await visits.share(person, accounts));
  const connectionId = String(decodeJwt(String(tokens.id_token))['mh:con_id']);
  return { userId, connectionId, accounts };
}

const renewalClaims = (userId: string, connectionId: string) =>
  JSON.stringify({
    id_token: { sub: { value: userId }, 'mh:con_id': { value: connectionId } },
  });

const home = () => `${visits.urls.bank}/access`;

/** Signs in at the bank's own page. */
async function open(visitor: Visitor, what = 'joint'): Promise<VisitedPage> {
  const { login, password } = visits.person(what);
  return visitor.submit(await visitor.go(home()), '/access/sign-in', [
    ['login', login],
    ['password', password],
  ]);
}

/** Until the connection has an error, for a while. */
async function seeError(userId: string): Promise<unknown> {
  for (let looks = 0; looks < 600; looks += 1) {
    const { body } = await call('GET', 'connection:read', `/users/${userId}/connections`);
    const [connection] = body.data as { error: string | null }[];
    if (connection?.error) return connection.error;
    await wait(50);
  }
  return null;
}

describe('a customer at the bank', () => {
  it('sees who sees what, ends it, and the identity service finds out and asks for a reauth', async () => {
    const { userId, connectionId, accounts } = await connect();
    expect(textOf(accounts.html)).toContain('You end it : there is no end date here');

    const customer = visits.newVisitor();
    const page = await open(customer);
    const said = textOf(page.html);
    expect(page.status).toBe(200);
    expect(said).toMatch(/Assent Accounts .*•••• \d{4} .*Since \d+ \w+ \d{4} Until You end it/);

    const end = formOf(page, '/end').action;
    const forged = await customer.submit(page, '/end', [['csrf', 'another']]);
    expect(forged.status).toBe(403);
    const crossSite = await customer.submit(page, '/end', [], { 'sec-fetch-site': 'cross-site' });
    expect(crossSite.status).toBe(403);
    const stranger = visits.newVisitor();
    const strangers = await open(stranger, 'Three accounts');
    expect(textOf(strangers.html)).toContain('No app sees your data.');
    const { hidden } = formOf(strangers, '/sign-out');
    const theirs = await stranger.go(new URL(end, home()), {
      method: 'POST',
      body: new URLSearchParams(hidden.map(([name, value]) => [name, value])).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(theirs.status).toBe(404);
    expect(formOf(await customer.go(home()), '/end').action).toBe(end);

    const ended = textOf((await customer.submit(page, '/end')).html);
    expect(ended).toContain('That app sees your data no more.');
    expect(ended).toContain('No app sees your data.');

    const reading = 'accounts:read accounts:write:all';
    const synced = await call('POST', reading, `/v3/sync/${connectionId}`, userId);
    expect(synced.status).toBe(200);
    const validity = `/users/${userId}/connections/${connectionId}/validity`;
    expect(await seeError(userId)).toBe('credentials_error');
    expect((await call('GET', 'connection:read', validity)).body.data).toMatchObject({
      next: 'reauth',
      bankAuthentication: { state: 'lost' },
    });
    expect(await call('GET', 'accounts:read', '/v3/accounts', userId)).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining('ended this access at their bank') },
    });

    // The consent here is in force and takes reconsent, but for what became of it at the bank.
    const claims = renewalClaims(userId, connectionId);
    const reconsent = await visits.begin({ scope: 'openid reconsent', claims });
    const refused = (await visits.newVisitor().go(reconsent)).url.searchParams;
    expect(refused.get('error')).toBe('invalid_claims');
    const person = visits.newVisitor();
    const reauth = await visits.begin({ scope: 'openid reauth', claims });
    await visits.redeem(await visits.share(person, await visits.goToAccounts(person, reauth)));
    expect(await call('GET', 'accounts:read', '/v3/accounts', userId)).toMatchObject({
      status: 200,
    });
  });

  it('signs in within a budget, and out', async () => {
    const customer = visits.newVisitor();
    const out = await customer.submit(await open(customer), '/access/sign-out');
    expect(textOf(out.html)).toContain('you see which apps see your data');
    const { login } = visits.person('two years');
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const page = await customer.submit(await customer.go(home()), '/access/sign-in', [
        ['login', login],
        ['password', 'wrong'],
      ]);
      statuses.push(page.status);
    }
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
  });
});
