import { expect } from '@jest/globals';
import { challenge, verifier } from '../../support/fapi-client.js';
import type { Pair } from '../support/driver.js';
import { toForm } from '../support/driver.js';

/** PKCE is not asked of a request sent by value, and kept to where it is there. */
export async function withPkce({ first }: Pair) {
  const { answer } = await first.visit(challenge);
  const { status } = await first.redeem(answer.code, { form: { code_verifier: verifier } });
  expect(status).toBe(200);
}

/** Plain parameters, in the address and pushed. */
export async function withoutRequestObject({ first }: Pair) {
  const form = toForm(await first.parameters());
  const url = first.client.urlOf({ client_id: first.clientId, ...form });
  expect(await first.refusalOf(url)).toMatch(/^invalid_request/);
  const { status, body } = await first.client.push(form);
  expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
}
