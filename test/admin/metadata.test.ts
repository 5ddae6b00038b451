import { describe, expect, test } from '@jest/globals';
import { metadataMembers, readClientMetadata } from '../../core/client-metadata.js';
import { metadataOf } from '../../core/client-view.js';
import { mergePatch } from '../../core/merge-patch.js';

const uri = 'https://app.example/here';

/** A value of every member, in the order of the schema. */
const every = {
  profile: 'fapi2-security',
  ecosystem: 'connectid-au',
  client_name: 'Äpp 預金 🏦',
  client_uri: uri,
  logo_uri: uri,
  policy_uri: uri,
  tos_uri: uri,
  contacts: ['help@app.example'],
  organisation_id: 'org-1',
  organisation_name: 'App Ltd',
  software_id: 'software',
  software_version: '1.0',
  software_statement: 'e30.e30.',
  application_type: 'web',
  redirect_uris: [uri],
  post_logout_redirect_uris: [uri],
  request_uris: [],
  initiate_login_uri: uri,
  response_types: ['code'],
  response_modes: ['jwt'],
  grant_types: ['authorization_code'],
  scope: 'openid',
  audience: ['https://id.example/'],
  authorization_details_types: ['account'],
  default_max_age: 0,
  require_auth_time: false,
  default_acr_values: ['urn:openbanking:psd2:sca'],
  subject_type: 'pairwise',
  sector_identifier_uri: uri,
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'PS256',
  jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] },
  jwks_uri: uri,
  tls_client_auth_subject_dn: 'CN=app',
  tls_client_auth_san_dns: 'app.example',
  tls_client_auth_san_uri: uri,
  tls_client_auth_san_ip: '192.0.2.1',
  tls_client_auth_san_email: 'app@app.example',
  use_mtls_endpoint_aliases: true,
  tls_client_certificate_bound_access_tokens: true,
  dpop_bound_access_tokens: false,
  require_pushed_authorization_requests: true,
  require_signed_request_object: true,
  request_object_signing_alg: 'PS256',
  request_object_encryption_alg: 'RSA-OAEP-256',
  request_object_encryption_enc: 'A256GCM',
  unsigned_pushed_request_object: false,
  id_token_signed_response_alg: 'PS256',
  id_token_encrypted_response_alg: 'RSA-OAEP-256',
  id_token_encrypted_response_enc: 'A256GCM',
  userinfo_signed_response_alg: 'PS256',
  userinfo_encrypted_response_alg: 'RSA-OAEP-256',
  userinfo_encrypted_response_enc: 'A256GCM',
  introspection_signed_response_alg: 'PS256',
  introspection_encrypted_response_alg: 'RSA-OAEP-256',
  introspection_encrypted_response_enc: 'A256GCM',
  authorization_signed_response_alg: 'PS256',
  authorization_encrypted_response_alg: 'RSA-OAEP-256',
  authorization_encrypted_response_enc: 'A256GCM',
  backchannel_logout_uri: uri,
  backchannel_logout_session_required: true,
  frontchannel_logout_uri: uri,
  frontchannel_logout_session_required: true,
  backchannel_token_delivery_mode: 'ping',
  backchannel_client_notification_endpoint: uri,
  backchannel_authentication_request_signing_alg: 'PS256',
  backchannel_user_code_parameter: true,
  access_token_lifetime: 60,
  id_token_lifetime: 60,
  authorization_code_lifetime: 30,
  own_consent_screens: true,
  resource_server: false,
  webhooks: [{ url: uri, events: ['syncCompleted'], format: 'jwt' }],
  set_by_operators: ['scope'],
};

describe('the metadata of a client', () => {
  test('comes back member by member as it was sent, in the order of the schema', () => {
    expect(Object.keys(every)).toEqual(metadataMembers);
    const shuffled = Object.fromEntries(Object.entries(every).toReversed());
    const { metadata, rules } = readClientMetadata(shuffled);
    expect(rules).toEqual([]);
    const shown = metadataOf({ client_id: 'app', operator: ['clients:read'], ...metadata });
    expect(JSON.stringify(shown)).toBe(JSON.stringify(every));
  });

  test('of another type or form is left out, with a rule for each member', () => {
    const sent = Object.fromEntries(Object.keys(every).map((member) => [member, { not: 'this' }]));
    const { metadata, rules } = readClientMetadata(sent);
    expect(metadata).toEqual({});
    const named = new Set(rules.map(({ member }) => member.split('.')[0]));
    expect([...named].toSorted()).toEqual(metadataMembers.toSorted());
    expect(readClientMetadata([]).rules).toHaveLength(1);
    expect(readClientMetadata('text').rules).toHaveLength(1);
  });

  test.each([
    'javascript:alert(1)',
    'JAVASCRIPT:alert(1)',
    ' javascript:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,x',
    'DaTa:text/html,x',
    'vbscript:x',
    'blob:https://app.example/1',
    'file:///etc/passwd',
  ])('SEC-15: refuses %j wherever a URI is registered', (bad) => {
    for (const [member, value] of Object.entries(every)) {
      const isUri = member.endsWith('_uri') || member.endsWith('_endpoint');
      const isList = member.endsWith('redirect_uris');
      if (!isUri && !isList) continue;
      if (member === 'tls_client_auth_san_uri') continue;
      const { rules } = readClientMetadata({ [member]: Array.isArray(value) ? [bad] : bad });
      expect({ member, rules: rules.length }).toEqual({ member, rules: 1 });
    }
  });

  test.each([
    ['turned around', 'moc.knab\u202E'],
    ['invisible', 'Bank\u200B'],
    ['with a line', 'Bank\nof'],
    ['too long', 'x'.repeat(121)],
    ['empty', ''],
  ])('SEC-13: has no name that is %s', (_, client_name) => {
    expect(readClientMetadata({ client_name }).rules).toMatchObject([{ member: 'client_name' }]);
  });
});

test('a merge patch is that of RFC 7396', () => {
  const target = { a: 1, b: { c: 2, d: 3 }, e: [1, 2] };
  const patch = JSON.parse('{"a":null,"b":{"c":null,"x":{"y":null}},"e":[3],"__proto__":{"z":1}}');
  const merged = mergePatch(target, patch);
  expect(JSON.stringify(merged)).toBe('{"b":{"d":3,"x":{}},"e":[3],"__proto__":{"z":1}}');
  expect({}).not.toHaveProperty('z');
  expect(target).toEqual({ a: 1, b: { c: 2, d: 3 }, e: [1, 2] });
  expect(mergePatch('text', { a: 1 })).toEqual({ a: 1 });
});
