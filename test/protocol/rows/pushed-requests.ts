import { expect } from '@jest/globals';
import type { Pair } from '../support/driver.js';

export async function visitedTwiceBeforeTheEnd({ first }: Pair) {
  const { url } = await first.mustSend();
  expect(await first.refusalOf(url)).toBeUndefined();
  expect((await first.goThrough(url)).answer.code).toBeDefined();
}

export async function reusedAfterTheEnd({ first }: Pair) {
  const { url } = await first.mustSend();
  await first.goThrough(url);
  expect(await first.refusalOf(url)).toMatch(/^invalid_request/);
}

export async function expired({ first }: Pair) {
  const { url, answer } = await first.mustSend();
  const lifetime = Number(answer?.body.expires_in);
  expect(lifetime).toBeGreaterThan(5);
  expect(lifetime).toBeLessThan(600);
  first.bank.clock.advance(lifetime + 1);
  expect(await first.refusalOf(url)).toMatch(/^invalid_request/);
}

export async function ofAnotherClient({ first, second }: Pair) {
  const { url } = await first.mustSend();
  const stolen = url.replace(`client_id=${first.clientId}`, `client_id=${second.clientId}`);
  expect(await second.refusalOf(stolen)).toMatch(/^invalid_/);
}

export async function withRequestUri({ first }: Pair) {
  const request_uri = 'urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c';
  const sent = await first.send({}, { beside: { request_uri } });
  expect(await first.refusalOf(sent)).toMatch(/^(invalid_request|request_uri_not_supported)/);
}

export async function byAnotherVerb({ first }: Pair) {
  for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
    const { status } = await first.fetch(first.pushUrl, { method });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  }
}
