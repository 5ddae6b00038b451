import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { unimplementedCalls } from '../../api/unimplemented/unimplemented-calls.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const page = join(import.meta.dirname, '../../docs/moving-from-the-hosted-identity-service.md');

/** OpenID Connect's own endpoints, which discovery describes, and files. */
const undescribed =
  /^(GET|POST) (\/oidc\/(auth|certs|request|token(\/\w+)?|\.well-known\/openid-configuration)|\/bank-icons\/\{bankRef\})$/;

let assent: RunningAssent;

beforeAll(async () => {
  assent = await startAssent({});
});
afterAll(() => assent.stop());

async function readTable() {
  const lines = (await readFile(page, 'utf8')).split('\n');
  return lines
    .map((line) => /^\| (GET|POST|PATCH|PUT|DELETE) \| `([^`]+)` \| (\w+) \|/.exec(line))
    .filter((row) => row !== null)
    .map(([, method = '', path = '', status = '']) => ({ call: `${method} ${path}`, status }));
}

test('the table of endpoints names each one that there is, and no other', async () => {
  const rows = await readTable();
  const { paths } = (await (await assent.fetch('/openapi.json')).json()) as {
    paths: Record<string, Record<string, object>>;
  };
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const offered = rows.filter(({ status }) => ['same', 'more', 'new'].includes(status));
  const listed = offered.map(({ call }) => call).filter((call) => !undescribed.test(call));
  expect(listed.sort()).toEqual(described.sort());

  const refused = rows.filter(({ status }) => status === '501').map(({ call }) => call);
  expect(refused.sort()).toEqual(
    unimplementedCalls.map(({ method, path }) => `${method} ${path}`).sort(),
  );
  expect(offered.length + refused.length).toBe(rows.length);
});

test('the table names the endpoints of discovery', async () => {
  const answer = await assent.fetch('/oidc/.well-known/openid-configuration');
  const metadata = Object.entries((await answer.json()) as Record<string, unknown>);
  const endpoints = metadata
    .filter(([name]) => name.endsWith('_endpoint') || name === 'jwks_uri')
    .map(([, url]) => new URL(String(url)).pathname);
  const paths = (await readTable()).map(({ call }) => call.split(' ')[1]);
  expect(endpoints.length).toBeGreaterThan(8);
  expect(paths).toEqual(expect.arrayContaining(endpoints));
});
