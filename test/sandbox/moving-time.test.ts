import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { z } from 'zod';
import { textOf, type Visitor } from '../security/support/visitor.js';
import { claimsFor, startVisits, type Visits } from '../security/support/visits.js';

let directory: string;
let visits: Visits;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-moving-'));
  visits = await startVisits(directory);
});
afterAll(async () => {
  await visits?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** On the page "Time". @returns what it says then. */
async function move(to: string) {
  const operator = visits.newVisitor();
  const page = await operator.go(`${visits.urls.tpp}/time`);
  const moved = await operator.submit(page, '/time', [['to', to]]);
  return { status: moved.status, text: textOf(moved.html) };
}

/** The time that the page says it is in the sandbox, to the minute. */
function readTime(text: string): number {
  const [, day, time] = /In the sandbox.*? (\d+ \w+ \d{4}) at (\d\d:\d\d) UK time/.exec(text) ?? [];
  const read = Date.parse(`${day} ${time}`);
  if (Number.isNaN(read)) throw new TypeError(`no time in: ${text}`);
  return read;
}

/** Waits until the TPP application shows an event, and returns its payload. */
async function seeEvent(type: string): Promise<string> {
  for (let looks = 0; looks < 800; looks += 1) {
    const page = await visits.newVisitor().go(`${visits.urls.tpp}/events`);
    const [, event] = textOf(page.html).split(`&quot;eventType&quot;: &quot;${type}&quot;`);
    if (event !== undefined) return event.replaceAll('&quot;', '"');
    await wait(25);
  }
  throw new Error(`${type} was not delivered`);
}

async function call(scope: string, path: string, sub?: string, init: object = {}) {
  const form = { grant_type: 'client_credentials', scope, ...(sub !== undefined && { sub }) };
  const { status, body } = await visits.post('/oidc/token', form);
  if (status !== 200) return { status, body };
  const answer = await visits.fetch(`${visits.urls.assent}${path}`, {
    headers: { authorization: `Bearer ${body.access_token}`, 'content-type': 'application/json' },
    ...init,
  });
  const read: Record<string, unknown> = JSON.parse(await answer.text());
  return { status: answer.status, body: read };
}

/** Ongoing access for a new user, with every account. */
async function connect(person: Visitor) {
  const { body: user } = await call('user:create', '/users', undefined, {
    method: 'POST',
    body: '{}',
  });
  const userId = String(user.userId);
  const { institution } = visits.person('joint');
  const begun = await visits.begin({
    scope: `openid offline_access id:${institution}`,
    claims: claimsFor(userId),
  });
  const returned = await visits.share(person, await visits.goToAccounts(person, begun));
  const { status, body: tokens } = await visits.redeem(returned);
  return { userId, status, tokens };
}

describe('an operator who moves the time', () => {
  it('sees a consent remind, expire, refuse, and come back to life with its tokens', async () => {
    const person = visits.newVisitor();
    const { userId, tokens } = await connect(person);
    const connectionId = decodeJwt(String(tokens.id_token))['mh:con_id'];

    /** What the client finds: of the connection, of the data, and of the refresh token. */
    async function look() {
      const listed = await call('connection:read', `/users/${userId}/connections`);
      const read = await call('accounts:read', '/v3/accounts', userId);
      const refreshed = await visits.post('/oidc/token', {
        grant_type: 'refresh_token',
        refresh_token: String(tokens.refresh_token),
      });
      return {
        connection: z
          .array(z.looseObject({ error: z.string().nullable() }))
          .parse(listed.body.data),
        accounts:
          read.status === 200 ? z.array(z.unknown()).parse(read.body.data).length : read.status,
        refresh: refreshed.body.error ?? refreshed.status,
      };
    }
    /** The same, once the sync that is due after a long time has brought its data up to date. */
    async function lookAgain() {
      for (let looks = 0; looks < 800; looks += 1) {
        const found = await look();
        if (found.connection[0]?.error !== 'resync') return found;
        await wait(25);
      }
      return look();
    }
    const working = { connection: [{ id: connectionId, status: 'ok' }], accounts: 2, refresh: 200 };
    expect(await lookAgain()).toMatchObject(working);

    expect((await move('+86d')).status).toBe(200);
    expect(await seeEvent('reauthReminder')).toMatch(/"timeUntilReauthorizationInDays": 4,.*true/);
    expect(await lookAgain()).toMatchObject(working);

    await move('+5d');
    expect(await seeEvent('consentExpired')).toContain('"next": "reconsent"');
    expect(await look()).toMatchObject({
      connection: [{ id: connectionId, status: 'error', extendedStatus: 'expired' }],
      accounts: 403,
      refresh: 'invalid_grant',
    });

    const idToken = {
      sub: { essential: true, value: userId },
      'mh:con_id': { essential: true, value: connectionId },
    };
    const claims = JSON.stringify({ id_token: { ...idToken, 'mh:consent': { value: {} } } });
    const again = await visits.begin({ scope: 'openid reconsent', claims });
    const agreed = await visits.allow(person, await person.go(again));
    expect(agreed.url.searchParams.has('code')).toBe(true);
    await seeEvent('consentExtended');
    expect(await lookAgain()).toMatchObject(working);
  });

  it('may go years ahead: nothing that the sandbox made for itself ends on the way', async () => {
    expect((await move('+200w')).status).toBe(200);
    const { userId, status } = await connect(visits.newVisitor());
    expect(status).toBe(200);
    const { body } = await call('accounts:read', '/v3/accounts', userId);
    expect(body.data).toHaveLength(2);
  });

  it('moves it forwards only, and by forms of the page itself', async () => {
    const now = readTime((await move('+1h')).text);
    for (const [to, reason] of [
      ['2026-01-01', 'Time moves forwards only.'],
      ['+9999d', 'more than five years ahead'],
      ['tomorrow', 'Please give a date'],
    ] as const) {
      const { status, text } = await move(to);
      expect([status, text]).toEqual([400, expect.stringContaining(reason)]);
      // It goes on by itself.
      expect(readTime(text)).toBeGreaterThanOrEqual(now);
      expect(readTime(text)).toBeLessThan(now + 3_600_000);
    }
    const operator = visits.newVisitor();
    const page = await operator.go(`${visits.urls.tpp}/time`);
    const forged = await operator.submit(page, '/time', [
      ['csrf', 'another'],
      ['to', '+1h'],
    ]);
    expect(forged.status).toBe(403);
  });
});
