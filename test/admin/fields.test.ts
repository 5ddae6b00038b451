import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { metadataMembers } from '../../core/client-metadata.js';
import { systemClock } from '../../core/clock.js';
import { profileNames } from '../../core/profile-names.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import { createClientKeys } from '../support/client-keys.js';
import { startTarget, type Target } from '../support/start-target.js';
import { startAdmin } from './support/start-admin.js';

type Admin = Awaited<ReturnType<typeof startAdmin>>;
type Base = 'hosted' | 'fapi2' | 'messages' | 'application' | 'decoupled';

interface Row {
  /** The field as the specification names it, and the member that it is here. */
  readonly field: string;
  readonly member: string;
  readonly base: Base;
  readonly values: readonly [first: unknown, second: unknown];
  /** What the member needs beside it. */
  readonly beside?: Readonly<Record<string, unknown>>;
}

const redirect = 'https://app.example/callback';
const page = (path: string) => `https://app.example/${path}`;
/** `identity-service.md` §6. */
const hosted: Row[] = [
  { field: 'API client name', member: 'client_name', base: 'hosted', values: ['One', 'Two'] },
  { field: 'Logo URI', member: 'logo_uri', base: 'hosted', values: [page('1.png'), page('2.png')] },
  { field: 'Business', member: 'organisation_name', base: 'hosted', values: ['A Ltd', 'B Ltd'] },
  { field: 'Business', member: 'organisation_id', base: 'hosted', values: ['org-1', 'org-2'] },
  {
    field: 'Redirect URIs',
    member: 'redirect_uris',
    base: 'hosted',
    values: [[redirect], [redirect, page('other')]],
  },
  {
    field: 'Grant types',
    member: 'grant_types',
    base: 'hosted',
    values: [
      ['authorization_code', 'refresh_token'],
      ['authorization_code', 'client_credentials'],
    ],
  },
  {
    field: 'Response types',
    member: 'response_types',
    base: 'hosted',
    values: [['code'], ['code id_token']],
    beside: { grant_types: ['authorization_code', 'implicit'] },
  },
  {
    field: 'Token endpoint auth method',
    member: 'token_endpoint_auth_method',
    base: 'hosted',
    values: ['client_secret_basic', 'private_key_jwt'],
  },
  {
    field: 'Request object signing alg',
    member: 'request_object_signing_alg',
    base: 'hosted',
    values: ['PS256', 'ES256'],
  },
  {
    field: 'ID token signed response alg',
    member: 'id_token_signed_response_alg',
    base: 'hosted',
    values: ['PS256', 'ES256'],
  },
  {
    field: 'Sender-constrained access token method',
    member: 'tls_client_certificate_bound_access_tokens',
    base: 'hosted',
    values: [true, false],
    beside: { token_endpoint_auth_method: 'private_key_jwt' },
  },
  {
    field: 'mTLS certificate',
    member: 'tls_client_auth_subject_dn',
    base: 'fapi2',
    values: ['CN=one', 'CN=two'],
    beside: { token_endpoint_auth_method: 'tls_client_auth' },
  },
  {
    field: 'Enforce user consent',
    member: 'own_consent_screens',
    base: 'hosted',
    values: [true, false],
  },
  {
    field: 'Unsigned request objects',
    member: 'unsigned_pushed_request_object',
    base: 'hosted',
    values: [true, false],
  },
  {
    field: 'Webhooks',
    member: 'webhooks',
    base: 'hosted',
    values: [
      [{ url: page('hook'), events: ['syncCompleted'], format: 'json' }],
      [{ url: page('hook'), events: ['syncCompleted'], format: 'jwt' }],
    ],
  },
  {
    field: 'Permitted scopes and connections',
    member: 'scope',
    base: 'hosted',
    values: ['openid id:test', 'openid id:all accounts:read'],
  },
];

const encrypted = (kind: string, base: Base, beside = {}): Row[] => [
  {
    field: `${kind} encryption`,
    member: `${kind}_encrypted_response_alg`,
    base,
    values: ['RSA-OAEP-256', 'ECDH-ES'],
    beside: { [`${kind}_encrypted_response_enc`]: 'A256GCM', ...beside },
  },
  {
    field: `${kind} encryption`,
    member: `${kind}_encrypted_response_enc`,
    base,
    values: ['A256GCM', 'A128CBC-HS256'],
    beside: { [`${kind}_encrypted_response_alg`]: 'RSA-OAEP-256', ...beside },
  },
];

/** `open-banking.md` §3.3, but for what is above. */
const mirrored = (sector: (path: string) => string): Row[] => [
  { field: 'request_uris', member: 'request_uris', base: 'application', values: [[], undefined] },
  {
    field: 'scopes',
    member: 'scope',
    base: 'fapi2',
    values: ['openid accounts', 'openid accounts offline_access'],
  },
  {
    field: 'audience',
    member: 'audience',
    base: 'fapi2',
    values: [[page('api')], [page('api'), page('other')]],
  },
  {
    field: 'pairwise',
    member: 'subject_type',
    base: 'application',
    values: ['pairwise', 'public'],
  },
  {
    field: 'sector id',
    member: 'sector_identifier_uri',
    base: 'application',
    values: [sector('/sector/1'), sector('/sector/2')],
    beside: { subject_type: 'pairwise' },
  },
  {
    field: 'jwks_uri',
    member: 'jwks_uri',
    base: 'hosted',
    values: [page('jwks'), page('keys')],
    beside: { token_endpoint_auth_method: 'private_key_jwt' },
  },
  ...encrypted('id_token', 'application'),
  ...encrypted('userinfo', 'application', { userinfo_signed_response_alg: 'PS256' }),
  ...encrypted('authorization', 'messages'),
  ...encrypted('introspection', 'messages'),
  {
    field: 'request object encryption',
    member: 'request_object_encryption_alg',
    base: 'messages',
    values: ['RSA-OAEP-256', 'ECDH-ES'],
  },
  {
    field: 'request object encryption',
    member: 'request_object_encryption_enc',
    base: 'messages',
    values: ['A256GCM', 'A128CBC-HS256'],
    beside: { request_object_encryption_alg: 'RSA-OAEP-256' },
  },
  {
    field: 'JARM signing',
    member: 'authorization_signed_response_alg',
    base: 'messages',
    values: ['PS256', 'ES256'],
  },
  {
    field: 'userinfo signing',
    member: 'userinfo_signed_response_alg',
    base: 'application',
    values: ['PS256', 'ES256'],
  },
  ...['access_token_lifetime', 'id_token_lifetime', 'authorization_code_lifetime'].map(
    (member): Row => ({ field: 'per-client TTLs', member, base: 'fapi2', values: [30, 20] }),
  ),
  {
    field: 'require PAR',
    member: 'require_pushed_authorization_requests',
    base: 'application',
    values: [true, false],
  },
  {
    field: 'dpop_bound_access_tokens',
    member: 'dpop_bound_access_tokens',
    base: 'hosted',
    values: [true, false],
    beside: { token_endpoint_auth_method: 'private_key_jwt' },
  },
  {
    field: 'default_acr_values',
    member: 'default_acr_values',
    base: 'fapi2',
    values: [['urn:openbanking:psd2:sca'], ['urn:openbanking:psd2:ca']],
  },
  {
    field: 'authorization_details_types',
    member: 'authorization_details_types',
    base: 'fapi2',
    values: [['account_information'], []],
  },
  {
    field: 'CIBA fields',
    member: 'backchannel_token_delivery_mode',
    base: 'decoupled',
    values: ['poll', 'ping'],
    beside: { backchannel_client_notification_endpoint: page('ping') },
  },
  {
    field: 'CIBA fields',
    member: 'backchannel_client_notification_endpoint',
    base: 'decoupled',
    values: [page('ping'), page('pong')],
    beside: { backchannel_token_delivery_mode: 'ping' },
  },
  {
    field: 'CIBA fields',
    member: 'backchannel_authentication_request_signing_alg',
    base: 'decoupled',
    values: ['PS256', 'ES256'],
  },
  {
    field: 'back-channel logout',
    member: 'backchannel_logout_uri',
    base: 'application',
    values: [page('out'), page('bye')],
  },
  {
    field: 'back-channel logout',
    member: 'backchannel_logout_session_required',
    base: 'application',
    values: [true, false],
    beside: { backchannel_logout_uri: page('out') },
  },
  { field: 'software_id', member: 'software_id', base: 'fapi2', values: ['one', 'two'] },
  { field: 'software_version', member: 'software_version', base: 'fapi2', values: ['1', '2'] },
  {
    field: 'software_statement',
    member: 'software_statement',
    base: 'fapi2',
    values: ['e30.e30.', 'e30.e30.a'],
  },
  { field: 'policy', member: 'policy_uri', base: 'fapi2', values: [page('p'), page('q')] },
  { field: 'tos', member: 'tos_uri', base: 'fapi2', values: [page('t'), page('u')] },
  {
    field: 'profile',
    member: 'profile',
    base: 'messages',
    values: ['fapi2-security', 'fapi2-message-signing'],
  },
];

const everyProfile = [...profileNames];
let directory: string;
let target: Target;
let identity: Admin;
let bank: Admin;
let bases: Readonly<Record<Base, Readonly<Record<string, unknown>>>>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-fields-'));
  const authority = await openCertificateAuthority(directory, systemClock);
  target = await startTarget(await authority.server('target'), (response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify([redirect]));
  });
  const settings = {
    outgoing: {
      allow: [`localhost:${target.port}`],
      certificateAuthorities: [authority.certificate],
    },
  };
  identity = await startAdmin(settings);
  bank = await startAdmin(
    {
      ...settings,
      role: 'bank',
      profiles: everyProfile.filter((profile) => profile !== 'identity-service'),
      features: { encryption: true, backchannelAuthentication: true },
      resources: ['api', 'other'].map((path) => ({
        identifier: page(path),
        name: path,
        scopes: { [`${path}:read`]: 'Read it' },
      })),
    },
    { ledger: createDemoLedger({ clock: systemClock }) },
  );
  const { jwks } = await createClientKeys('PS256');
  const forEncryption = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ].map(({ publicKey }, index) => ({
    ...publicKey.export({ format: 'jwk' }),
    ...{ kid: `enc-${index}`, use: 'enc' },
  }));
  const keys = {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [...jwks.keys, ...forEncryption] },
  };
  const bound = { ...keys, dpop_bound_access_tokens: true, redirect_uris: [redirect] };
  bases = {
    hosted: { profile: 'identity-service', redirect_uris: [redirect], jwks: keys.jwks },
    fapi2: { ...bound, profile: 'fapi2-security' },
    messages: { ...bound, profile: 'fapi2-message-signing' },
    application: { ...keys, profile: 'openid-connect', redirect_uris: [redirect] },
    decoupled: {
      ...keys,
      profile: 'fapi-ciba',
      grant_types: ['urn:openid:params:grant-type:ciba'],
      response_types: [],
      redirect_uris: [],
      tls_client_certificate_bound_access_tokens: true,
      backchannel_token_delivery_mode: 'poll',
      backchannel_authentication_request_signing_alg: 'PS256',
    },
  };
});
afterAll(async () => {
  await identity?.stop();
  await bank?.stop();
  await target?.stop();
  await rm(directory, { recursive: true, force: true });
});

const port = () => target.port;
/** The port is known when the tests run, and the rows are listed before. */
const rows = [...hosted, ...mirrored((path) => `https://localhost:PORT${path}`)];

/** What is kept and shown to operators and in the file, and changes nothing that the provider does. */
const descriptive = [
  ...['organisation_id', 'organisation_name', 'contacts', 'initiate_login_uri'],
  ...['software_id', 'software_version', 'software_statement'],
];

describe.each(rows.map((row) => [`${row.field} (${row.member})`, row] as const))(
  '%s',
  (_name, { member, base, values, beside = {} }) => {
    test('is made, read, changed, in force or told to be descriptive, and in the history', async () => {
      const { call } = base === 'hosted' ? identity : bank;
      const [first, second] = values.map((value) =>
        typeof value === 'string' ? value.replace('PORT', String(port())) : value,
      );
      const metadata: Record<string, unknown> = { ...bases[base], ...beside, [member]: first };
      if (metadata.jwks_uri !== undefined) delete metadata.jwks;
      const made = await call('POST', '/clients', metadata);
      expect(made).toMatchObject({ status: 201 });
      const path = `/clients/${made.body.client.clientId}`;
      const read = await call('GET', path);
      expect(read.body.metadata[member]).toEqual(first);

      const patch = { [member]: second ?? null };
      const changed = await call('PATCH', path, patch, { 'if-match': read.etag });
      expect(changed).toMatchObject({ status: 200 });
      expect((await call('GET', path)).body.metadata[member]).toEqual(second);

      const effective = (await call('GET', `${path}/effective`)).body;
      if (second !== undefined && !descriptive.includes(member)) {
        expect({ [member]: effective[member] }).toEqual({ [member]: second });
      }

      const { changes } = (await call('GET', `${path}/history`)).body;
      expect(changes[0]).toMatchObject({ action: 'updated', by: { kind: 'operator' } });
      expect(changes[0].changes).toContainEqual({
        member,
        ...(first !== undefined && { before: first }),
        ...(second !== undefined && { after: second }),
      });
    });
  },
);

test('the documentation names every member that there is, and the rows above no others', async () => {
  const text = await readFile(join(import.meta.dirname, '../../docs/admin-api.md'), 'utf8');
  const [, rest = ''] = text.split('## Every field');
  const [section = ''] = rest.split('\n## ');
  const named = [...section.matchAll(/`(\w+)`/g)].map(([, member]) => member);
  expect(metadataMembers.filter((member) => !named.includes(member))).toEqual([]);
  const tried = [...rows.map(({ member }) => member), ...descriptive];
  expect(metadataMembers).toEqual(expect.arrayContaining(tried));
});

test('a business finds its clients', async () => {
  const mine = { ...bases.hosted, organisation_id: 'REF-77', organisation_name: 'Ledger & Söhne' };
  const made = await identity.call('POST', '/clients', { ...mine, software_id: 'sw-4711' });
  for (const search of ['ref-77', 'söhne', 'SW-4711']) {
    const found = await identity.call('GET', `/clients?search=${encodeURIComponent(search)}`);
    expect(found.body.clients.map(({ clientId }: { clientId: string }) => clientId)).toEqual([
      made.body.client.clientId,
    ]);
  }
});
