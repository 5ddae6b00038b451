import { crc32, deflateSync } from 'node:zlib';
import { expect } from '@jest/globals';
import { openPerson } from '../../open-banking/support/start-bank.js';
import { eventually } from '../../support/eventually.js';
import {
  type Changes,
  createRelyingParty,
  flow,
  metadataOf,
  type OpenidRun,
  register,
} from '../support/relying-party.js';
import { expectProblem } from './openid-connect.js';

type Perform = (run: OpenidRun) => Promise<void>;

/** What is registered so is answered so, and a flow succeeds with it. */
export const registered =
  (metadata: (run: OpenidRun) => Changes): Perform =>
  async (run) => {
    const changes = metadata(run);
    const { client } = await flow(run, { metadata: changes });
    expect(client.registered).toMatchObject(changes);
  };

/** What may not be registered (OpenID Connect Registration §3.3). */
export const notRegistered =
  (metadata: (run: OpenidRun) => Changes, error: string): Perform =>
  async (run) => {
    const { status, body } = await register(run, metadataOf(run, metadata(run)));
    expect({ status, error: body.error }).toEqual({ status: 400, error });
    expect(body).not.toHaveProperty('client_id');
  };

/** OpenID Connect Core §5.3.2: UserInfo as a JWT, signed as the client registered. */
export const signedUserinfo: Perform = async (run) => {
  const metadata = { userinfo_signed_response_alg: 'RS256' };
  const { client, accessToken, claims } = await flow(run, { metadata });
  const { type, text } = await client.userinfo(accessToken);
  expect(type).toMatch(/^application\/jwt/);
  expect(await client.readIdToken(text)).toMatchObject({ sub: claims.sub });
};

export const withoutRedirect: Perform = async (run) => {
  const client = await createRelyingParty(run);
  await expectProblem(run, client.request({ redirect_uri: undefined }).url);
};

/** A redirect URI with a query keeps it, and no other query will do. */
export const redirectWithQuery: Perform = async (run) => {
  const redirect_uris = [run.bank.at('/callback?foo=bar')];
  const client = await createRelyingParty(run, { redirect_uris });
  const sent = client.request();
  const { url } = sent;
  const person = openPerson(run.bank);
  const page = await person.open(url);
  const consent = await person.submit(page, 'login', {
    login: 'amelia',
    password: 'harbour-lantern-42',
  });
  const back = await person.submit(consent, 'consent', { decision: 'allow' });
  if (sent.form.response_mode !== 'form_post') expect(back.url.searchParams.get('foo')).toBe('bar');
  client.check(client.read(back, sent.form), sent.form);
};

export const redirectWithOtherQuery =
  (own: string, asked: string): Perform =>
  async (run) => {
    const redirect_uris = [run.bank.at(`/callback${own}`)];
    const client = await createRelyingParty(run, { redirect_uris });
    const redirect_uri = run.bank.at(`/callback${asked}`);
    await expectProblem(run, client.request({ redirect_uri }).url);
  };

/** The page that a person meets first. */
async function firstPage(run: OpenidRun, metadata: Changes): Promise<string> {
  const client = await createRelyingParty(run, metadata);
  expect(client.registered).toMatchObject(metadata);
  const page = await openPerson(run.bank).open(client.request().url);
  expect(page.status).toBe(200);
  return page.text;
}

/** OpenID Connect Registration §2: shown to the person; the logo as we serve it. */
export const showsLogo: Perform = async (run) => {
  const logo_uri = run.bank.publish('/logo.png', png());
  const client = await createRelyingParty(run, { logo_uri });
  expect(client.registered).toMatchObject({ logo_uri });
  await eventually(async () => {
    const page = await openPerson(run.bank).open(client.request().url);
    expect(page.text).toContain(`src="/client-logos/${client.clientId}"`);
  });
  const served = await run.bank.fetch(`/client-logos/${client.clientId}`);
  expect(served.headers.get('content-type')).toBe('image/png');
};

export const showsLink =
  (member: 'policy_uri' | 'tos_uri'): Perform =>
  async (run) => {
    const uri = run.bank.at(`/${member}`);
    expect(await firstPage(run, { [member]: uri })).toContain(`href="${uri}"`);
  };

const sectorOf = ({ bank }: OpenidRun, redirects: readonly string[]) => ({
  sector_identifier_uri: bank.publish(`/sector/${crypto.randomUUID()}.json`, redirects),
  subject_type: 'pairwise',
});

export const sector = (redirects: (run: OpenidRun) => readonly string[]) => (run: OpenidRun) =>
  sectorOf(run, redirects(run));

/** Pairwise subjects of one sector are the same, and those of another are not (Core §8.1). */
export const inOneSector: Perform = async (run) => {
  const shared = sectorOf(run, [run.bank.at('/callback')]);
  const subjects = await Promise.all(
    [shared, shared, { subject_type: 'public' }].map(
      async (metadata) => (await flow(run, { metadata })).claims.sub,
    ),
  );
  expect(subjects[0]).toBe(subjects[1]);
  expect(subjects[0]).not.toBe(subjects[2]);
};

/** OpenID Connect Core §10.1.1: a new key is published beside the old one, before it signs anything. */
export const serverRotatesKeys: Perform = async ({ bank }) => {
  const keys = async () => {
    const { keys: all } = Object(await (await bank.fetch('/oidc/certs')).json());
    return all
      .filter(({ use }: { use: string }) => use === 'sig')
      .map(({ kid }: { kid: string }) => kid);
  };
  // What was published before signs by now, and the process looks at its keys once a second.
  bank.clock.advance(3700);
  const before = await keys();
  await bank.keys.rotate();
  bank.clock.advance(2);
  const after = await keys();
  expect(after.length).toBeGreaterThan(before.length);
  expect(after).toEqual(expect.arrayContaining(before));
};

/** A whole PNG of two by two pixels. */
function png(): Buffer {
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', Buffer.from('00000002000000020806000000', 'hex')),
    chunk('IDAT', deflateSync(Buffer.alloc(18, 1))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
