import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as openid from 'openid-client';
import { systemClock } from '../../core/clock.js';
import { createAssent } from '../../create-assent.js';
import { openPairwiseSubjects, pairwiseKeys } from '../../provider/pairwise-subjects.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import {
  openClient,
  redirectUri,
  registration,
  sharing,
} from '../open-banking/support/open-client.js';
import { readRecord } from '../open-banking/support/start-bank.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { startTarget, type Target } from '../support/start-target.js';

let directory: string;
let site: Target;
let bank: RunningAssent;
let listed: readonly string[] = [redirectUri];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-sector-'));
  const authority = await openCertificateAuthority(directory, systemClock);
  site = await startTarget(await authority.server('sector'), (response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(listed));
  });
  const pairwise = { subject_type: 'pairwise', scope: 'openid accounts' };
  const inSector = { ...pairwise, sector_identifier_uri: `${site.url}` };
  bank = await startAssent(
    {
      role: 'bank',
      outgoing: {
        allow: [`localhost:${site.port}`],
        certificateAuthorities: [authority.certificate],
      },
      clients: [
        registration('one', inSector),
        registration('other', inSector),
        registration('elsewhere', pairwise),
        registration('public', { scope: 'openid accounts' }),
      ],
    },
    { ledger: createDemoLedger({ clock: systemClock }) },
  );
});

afterAll(async () => {
  await bank?.stop();
  await site?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function connect(name: string) {
  const client = await openClient(bank, name);
  const back = await client.visit(sharing(), await client.forNewIntent());
  const tokens = await client.redeem(back);
  const introspected = await openid.tokenIntrospection(client.configuration, tokens.access_token);
  const { status } = await client.read(tokens.access_token);
  return { sub: tokens.claims()?.sub, introspected: introspected.sub, status };
}

test('a person is one subject in a sector, another in each other one, and their accounts are theirs', async () => {
  const one = await connect('one');
  expect(one).toEqual({ sub: one.introspected, introspected: one.sub, status: 200 });
  expect(one.sub).toMatch(/^[\w-]{43}$/);
  expect((await connect('one')).sub).toBe(one.sub);
  expect((await connect('other')).sub).toBe(one.sub);
  const elsewhere = await connect('elsewhere');
  expect(elsewhere.sub).toMatch(/^[\w-]{43}$/);
  expect(elsewhere.sub).not.toBe(one.sub);
  expect(await connect('public')).toMatchObject({ sub: 'cust-5e1d0c27', status: 200 });
});

test('the key is made once, whichever process is first, and stays', async () => {
  const [first, second] = await Promise.all([
    openPairwiseSubjects(bank.storage),
    openPairwiseSubjects(bank.storage),
  ]);
  const client = await bank.provider.Client.find('elsewhere');
  if (!client) throw new Error('no client');
  expect(first('somebody', client)).toBe(second('somebody', client));
  expect(first('somebody', client)).not.toBe(first('somebody else', client));
  expect((await bank.storage.get(pairwiseKeys, 'provider'))?.value.key).toHaveLength(44);
});

test('its list is asked for when a client is saved, and not needed to serve it', async () => {
  const metadata = {
    ...registration('new'),
    response_types: ['code' as const],
    token_endpoint_auth_method: 'tls_client_auth' as const,
    id_token_signed_response_alg: 'PS256' as const,
    subject_type: 'pairwise' as const,
    sector_identifier_uri: site.url,
  };
  const asked = site.received.length;
  await bank.provider.Client.validate(metadata);
  expect(site.received.length).toBe(asked + 1);
  listed = ['https://somebody.example/callback'];
  await expect(bank.provider.Client.validate(metadata)).rejects.toMatchObject({
    error_description: expect.stringContaining('redirect_uris must be included'),
  });
  // SEC-45: where a client's address may not lead.
  await expect(
    bank.provider.Client.validate({ ...metadata, sector_identifier_uri: 'https://127.0.0.1:1/' }),
  ).rejects.toThrow();
});

test('a process that starts while the list cannot be had serves its clients', async () => {
  const asked = site.received.length;
  const configuration = { ...bank.configuration, clients: [] };
  const ledger = createDemoLedger({ clock: systemClock });
  const second = await createAssent({ configuration, ledger });
  expect(await second.provider.Client.find('one')).toBeDefined();
  expect(site.received.length).toBe(asked);
  await second.stop();
});

test('discovery says so, and not where the users of one client are nobody else’s', async () => {
  const subjects = async ({ fetch }: Pick<RunningAssent, 'fetch'>) => {
    const answer = await fetch('/oidc/.well-known/openid-configuration');
    return readRecord(await answer.json()).subject_types_supported;
  };
  const identity = await startAssent({});
  expect(await subjects(bank)).toEqual(['public', 'pairwise']);
  expect(await subjects(identity)).toEqual(['public']);
  await identity.stop();
});
