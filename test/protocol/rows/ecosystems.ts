import { expect } from '@jest/globals';
import type { Pair } from '../support/driver.js';
import { answerTo } from './authorization-requests.js';

/** A consent that another client has registered. */
export async function intentOfAnother({ first, second }: Pair) {
  const { claims } = await second.parameters();
  const refusal = await first.refusalOf(await first.send({ claims }));
  expect(refusal).toMatch(/^(invalid_request|access_denied)/);
}

/** Strong authentication as an essential claim is given, or the request refused. */
export async function essentialStrongAuthentication({ first }: Pair) {
  const { claims } = await first.parameters();
  const sca = { essential: true, values: ['urn:openbanking:psd2:sca'] };
  const { id_token } = Object(claims);
  const sent = await first.send({ claims: { id_token: { ...id_token, acr: sca } } });
  // The person is asked, and that their sign-in takes a code is seen in `step-up.test.ts`.
  expect(await first.refusalOf(sent)).toBeUndefined();
  const unknown = { essential: true, values: ['urn:example:unknown'] };
  const impossible = await first.send({ claims: { id_token: { ...id_token, acr: unknown } } });
  expect(await first.refusalOf(impossible)).toBe('unmet_authentication_requirements');
  await answerTo(first);
}

/** What ConnectID has a provider tell, besides who the transaction is. */
const identity = [
  ...['name', 'given_name', 'middle_name', 'family_name', 'birthdate'],
  ...['email', 'phone_number', 'address', 'txn'],
];

/** Each claim is in the ID token, and from UserInfo, where it is asked for. */
export async function identityClaims({ first }: Pair) {
  const claims = {
    id_token: Object.fromEntries(identity.map((name) => [name, null])),
    userinfo: Object.fromEntries(identity.map((name) => [name, { essential: true }])),
  };
  const { access_token, id_token } = await first.tokens({ claims });
  const told = await first.readIdToken(id_token);
  const { text } = await first.read(access_token);
  const { sub, ...read } = JSON.parse(text);
  expect(Object.keys(read).sort()).toEqual(identity.toSorted());
  expect(told).toMatchObject({ sub, ...read });
}

/** One character more than a purpose may have. */
export async function purposeTooLong({ first }: Pair) {
  const sent = await first.send({ purpose: '\u1100'.repeat(301) });
  expect(await first.refusalOf(sent)).toBe('invalid_request');
}
