import { expect, test } from '@jest/globals';
import { readRegistration } from '../../core/registration/read-registration.js';
import { registrationPolicySchema } from '../../core/registration/registration-policy.js';

const scopesByRole = { AISP: ['accounts:read'], PISP: ['payment:read'], CBPII: ['payment:read'] };
const statement = (roles: readonly string[]) => ({
  ...{ text: 'a.b.c', directory: 'directory', softwareId: 'software-1' },
  ...{ id: 'one', roles, usableUntil: new Date(0), metadata: {} },
});

function brokenScope(scope: string, roles: readonly string[]) {
  const policy = registrationPolicySchema.parse({
    scopes: ['openid', 'accounts:read', 'payment:read'],
  });
  const terms = { policy, scopesByRole, statement: statement(roles) };
  return readRegistration({ scope }, terms).rules.filter(({ member }) => member === 'scope');
}

test('a scope that is refused is told with why: the policy, or the roles of the statement', () => {
  expect(brokenScope('openid accounts:read', ['AISP'])).toEqual([]);
  expect(brokenScope('openid user:read id:all', ['AISP'])).toEqual([
    {
      member: 'scope',
      rule: 'must not contain user:read, id:all: who registers here may have openid, accounts:read, payment:read',
      clause: 'RFC 7591 §3.2.1',
    },
  ]);
  expect(brokenScope('openid payment:read user:read', ['AISP'])).toEqual([
    expect.objectContaining({ rule: expect.stringMatching(/^must not contain user:read: /) }),
    {
      member: 'scope',
      rule: 'must not contain payment:read: the statement has none of the roles PISP, CBPII',
      clause: 'RFC 7591 §2.3',
    },
  ]);
});
