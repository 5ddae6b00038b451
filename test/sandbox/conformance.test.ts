import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { systemClock } from '../../core/clock.js';
import { demoCustomers } from '../../sandbox/bank/demo-people.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import {
  type Conformance,
  createConformance,
  phones,
} from '../../sandbox/conformance/create-conformance.js';
import type { PlanDocument } from '../../sandbox/conformance/plan-document.js';
import { type OpenBrowser, openBrowser } from '../e2e/open-browser.js';
import { eventually } from '../support/eventually.js';
import { startTarget, type Target } from '../support/start-target.js';
import {
  askElsewhere,
  beginFapi,
  connectClient,
  openSuiteBrowser,
  readAnswer,
} from './conformance-runner.js';

// Below the range that the system gives away by itself, and another for each run.
const portBase = 30_000 + (process.pid % 250) * 10;

let directory: string;
let suite: Target;
let base: string;
let conformance: Conformance;
let browser: OpenBrowser;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-conformance-'));
  const authority = await openCertificateAuthority(join(directory, 'certificates'), systemClock);
  // What the suite shows a browser that has come back, as far as the browser's commands look at it.
  const certificate = await authority.server('suite', ['127.0.0.1']);
  suite = await startTarget(certificate, (response, { url = '' }) => {
    if (url.endsWith('/redirect_uris.json')) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify([new URL('callback', new URL(url, base)).href]));
      return;
    }
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>Suite</title><p id="submission_complete">Complete</p>');
  });
  base = `https://127.0.0.1:${suite.port}/`;
  conformance = await createConformance({
    ...{ directory, portBase, log: 'silent' },
    ...{ host: 'localhost', listen: '127.0.0.1', suite: new URL(base) },
  });
  await conformance.start();
  browser = await openBrowser();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await conformance?.stop();
  await suite?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A run's configuration as it was written, and its variant as the suite's runner is told it. */
async function planOf(slug: string) {
  const found = conformance.runs.find(({ run }) => run.slug === slug);
  if (!found) throw new RangeError(`no run ${slug}`);
  const text = await readFile(join(conformance.files.plans, `${slug}.json`), 'utf8');
  const plan: PlanDocument = JSON.parse(text);
  return { plan, variant: found.run.variant };
}

/** A browser for one module, with the commands of the plan or of the module. */
async function browserFor(plan: PlanDocument, module?: string) {
  const context = await browser.newPerson();
  const override = module === undefined ? undefined : plan.override?.[module];
  if (module !== undefined && !override) throw new RangeError(`no override for ${module}`);
  return {
    visit: openSuiteBrowser(context, override?.browser ?? plan.browser),
    close: () => context.close(),
  };
}

describe('what is written', () => {
  test('is a configuration for each run, of aliases and clients that no other run has', async () => {
    const { runs, files } = conformance;
    expect(runs.length).toBeGreaterThan(70);
    expect((await readdir(files.plans)).sort()).toEqual(
      runs.map(({ run }) => `${run.slug}.json`).sort(),
    );
    const aliases = runs.map(({ document }) => document.alias);
    expect(new Set(aliases).size).toBe(runs.length);
    const ids = runs.flatMap(({ clients }) => clients.map(({ client_id: id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
    expect(conformance.suite).toBe('trusted');
  });

  const name = 'the script gives the suite’s runner each run that a pattern names';
  // It is the suite's own runner that is written in Python.
  const isPythonMissing = spawnSync('python3', ['--version']).status !== 0;
  (isPythonMissing ? test.skip : test)(
    isPythonMissing ? `${name} (no python3)` : name,
    async () => {
      await writeFile(
        join(directory, 'print.py'),
        'import os, sys\nprint("\\n".join([os.environ["CONFORMANCE_SERVER"], *sys.argv[1:]]))\n',
      );
      const checkout = await mkdtemp(join(directory, 'suite-'));
      await promisify(execFile)('mkdir', [join(checkout, 'scripts')]);
      await promisify(execFile)('cp', [
        join(directory, 'print.py'),
        join(checkout, 'scripts', 'run-test-plan.py'),
      ]);
      const run = (pattern: string) =>
        promisify(execFile)('sh', [conformance.files.script, checkout, pattern]);
      const { stdout } = await run('fapi1-key-value-*');
      expect(stdout.trim().split('\n')).toEqual([
        base,
        'fapi1-advanced-final-test-plan[fapi_profile=plain_fapi][client_auth_type=private_key_jwt][fapi_auth_request_method=by_value][fapi_response_mode=jarm]',
        join(conformance.files.plans, 'fapi1-key-value-jarm.json'),
        'fapi1-advanced-final-test-plan[fapi_profile=plain_fapi][client_auth_type=private_key_jwt][fapi_auth_request_method=by_value][fapi_response_mode=plain_response]',
        join(conformance.files.plans, 'fapi1-key-value-plain.json'),
      ]);
      await expect(run('no-such-plan')).rejects.toMatchObject({ code: 2 });
    },
  );
});

test('a code comes with what it is for', async () => {
  const [person] = demoCustomers;
  const sent = await phones.send(person?.id ?? '', 'It signs you in.');
  expect(sent?.simulatedMessage).toBe('Northbank: 135790 is your code. It signs you in.');
});

test('a suite at localhost is refused before anything is written, once', async () => {
  const unused = join(directory, 'unused');
  const preparing = createConformance({
    ...{ directory: unused, portBase, log: 'silent' },
    ...{ host: 'localhost', listen: '127.0.0.1', suite: new URL('https://localhost:8443/') },
  });
  await expect(preparing).rejects.toThrow(/^the suite cannot be at localhost/);
  expect(await readdir(directory)).not.toContain('unused');
});

describe('FAPI', () => {
  test.each([
    'fapi2-sp-key-dpop-openid',
    'fapi2-sp-mtls-mtls-oauth',
    'fapi2-sp-key-mtls-oauth-rar',
    'fapi2-ms-key-dpop-openid-signed-jarm',
    'fapi2-sp-uk-key-mtls-openid',
    'fapi2-ms-connectid-key-mtls-openid-signed-plain',
    'fapi1-cdr-key-pushed-jarm',
    'fapi1-key-value-plain',
  ])(
    '%s: both clients share an account, and a person rejects',
    async (slug) => {
      const { plan, variant } = await planOf(slug);
      for (const config of [plan.client, plan.client2]) {
        const client = await connectClient(plan, variant, config, base);
        const agreeing = await browserFor(plan);
        const request = await beginFapi(plan, variant, client, config);
        const visited = await agreeing.visit(request.url);
        await agreeing.close();
        expect(visited.tasks).toContain('Verify complete');
        const { code, state, ...rest } = readAnswer(visited);
        expect({ state, error: rest.error_description }).toEqual({ state: request.state });
        const { status, body } = await request.redeem(code);
        expect({ status, error: body.error_description }).toEqual({ status: 200 });
        const accounts = await client.read(String(plan.resource?.resourceUrl), body.access_token);
        expect(accounts.status).toBe(200);
        await client.close();
      }

      const prefix = slug.startsWith('fapi1')
        ? 'fapi1-advanced-final'
        : 'fapi2-security-profile-final';
      const client = await connectClient(plan, variant, plan.client, base);
      const rejecting = await browserFor(plan, `${prefix}-user-rejects-authentication`);
      const request = await beginFapi(plan, variant, client, plan.client);
      const rejected = await rejecting.visit(request.url);
      await rejecting.close();
      expect(rejected.tasks).toEqual(['Cancel', 'Verify complete']);
      expect(readAnswer(rejected)).toMatchObject({ error: 'access_denied', state: request.state });
      await client.close();
    },
    120_000,
  );

  test('a request that is visited twice: the login page is shown, then the person agrees, then it is over', async () => {
    const { plan, variant } = await planOf('fapi2-sp-key-dpop-openid');
    const client = await connectClient(plan, variant, plan.client, base);
    const { url } = await beginFapi(plan, variant, client, plan.client);
    const name =
      'fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds';
    const { visit, close } = await browserFor(plan, name);
    const looked = await visit(url);
    expect(looked).toMatchObject({ tasks: ['Show the login page'], pictures: ['Sign in to'] });
    expect(readAnswer(await visit(url))).toHaveProperty('code');
    await close();

    const late = await browserFor(plan);
    const over = await late.visit(url);
    expect(over).toMatchObject({
      tasks: ['Show the error page'],
      pictures: ['This link does not work'],
    });
    await late.close();
    await client.close();
  });
});

describe('FAPI-CIBA', () => {
  test.each(['fapi-ciba-key-poll', 'fapi-ciba-mtls-ping'])(
    '%s',
    async (slug) => {
      const { plan, variant } = await planOf(slug);
      for (const config of [plan.client, plan.client2]) {
        const client = await connectClient(plan, variant, config, base);
        const { id, token, answer } = await askElsewhere(plan, client, config, 'allow');
        expect(answer.body).toHaveProperty('access_token');
        const accounts = await client.read(
          String(plan.resource?.resourceUrl),
          answer.body.access_token,
        );
        expect(accounts.status).toBe(200);
        if (variant.ciba_mode === 'ping') {
          await eventually(() => {
            const ping = suite.received.find(({ body }) => body.includes(String(id)));
            expect(ping?.headers.authorization).toBe(`Bearer ${token}`);
            expect(ping?.url).toBe(`/test/a/${plan.alias}/ciba-notification-endpoint`);
          });
        }
        const denied = await askElsewhere(plan, client, config, 'deny');
        expect(denied.answer.body.error).toBe('access_denied');
        await client.close();
      }
    },
    120_000,
  );
});

describe('OpenID Connect', () => {
  /** A client as the plan names it, or registered as the suite would. */
  async function connect(slug: string, metadata: object = {}) {
    const { plan, variant } = await planOf(slug);
    const home = `${base}test/a/${plan.alias}/`;
    if (variant.client_registration === 'static_client') {
      return { plan, home, client: await connectClient(plan, variant, plan.client, base) };
    }
    const nobody = await connectClient(plan, variant, plan.client, base);
    const { body } = await nobody.read(nobody.endpoint('registration_endpoint'), '', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: [`${home}callback`],
        post_logout_redirect_uris: [`${home}post_logout_redirect`],
        token_endpoint_auth_method: 'client_secret_basic',
        ...metadata,
      }),
    });
    await nobody.close();
    const config = {
      client_id: String(body.client_id),
      client_secret: String(body.client_secret),
    };
    return { plan, home, client: await connectClient(plan, variant, config, base) };
  }

  const requestOf = ({ clientId, redirectUri }: { clientId: string; redirectUri: string }) => ({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid email',
    state: 'the-state',
    nonce: 'the-nonce',
  });

  test.each(['oidcc-basic-static', 'oidcc-basic-dynamic'])(
    '%s: signing in, once more where it is asked for, and not where the address is wrong',
    async (slug) => {
      const { plan, home, client } = await connect(slug);
      const request = requestOf(client);
      const { visit, close } = await browserFor(plan, 'oidcc-prompt-login');
      const first = await visit(client.authorizeUrl(request));
      expect(first.tasks).toContain('Verify complete');
      const { status, body } = await client.post('token_endpoint', {
        grant_type: 'authorization_code',
        code: readAnswer(first).code ?? '',
        redirect_uri: client.redirectUri,
      });
      expect(status).toBe(200);
      const info = await client.read(client.endpoint('userinfo_endpoint'), body.access_token);
      expect(info.body).toMatchObject({ email: 'amelia@people.example' });
      const again = await visit(client.authorizeUrl({ ...request, prompt: 'login' }));
      expect(again.pictures).toEqual(['Sign in to']);
      expect(readAnswer(again)).toHaveProperty('code');
      const wrong = await visit(client.authorizeUrl({ ...request, redirect_uri: `${home}wrong` }));
      expect(wrong).toMatchObject({
        tasks: ['Show the error page'],
        pictures: ['This link does not work'],
      });
      await close();
      await client.close();
    },
    120_000,
  );

  test('oidcc-formpost-hybrid-dynamic: the answer is posted to the suite, without a hand', async () => {
    const type = 'code id_token';
    const { plan, client } = await connect('oidcc-formpost-hybrid-dynamic', {
      response_types: [type],
      grant_types: ['authorization_code', 'implicit'],
    });
    const { visit, close } = await browserFor(plan);
    const asked = { ...requestOf(client), response_type: type, response_mode: 'form_post' };
    const visited = await visit(client.authorizeUrl(asked));
    expect(visited.tasks).toContain('Verify complete');
    const posted = suite.received.findLast(({ method }) => method === 'POST');
    expect(posted?.url).toBe(new URL(client.redirectUri).pathname);
    expect(Object.fromEntries(new URLSearchParams(posted?.body))).toMatchObject({
      state: 'the-state',
      code: expect.any(String),
      id_token: expect.any(String),
    });
    await close();
    await client.close();
  });

  test.each([
    ['oidcc-rp-initiated-logout-static', undefined],
    ['oidcc-backchannel-rp-initiated-logout-static', 'backchannel_logout'],
    ['oidcc-frontchannel-rp-initiated-logout-static', 'frontchannel_logout'],
  ])(
    '%s: signing out, by the plan’s own commands',
    async (slug, told) => {
      const { plan, home, client } = await connect(slug);
      const { visit, close } = await browserFor(plan);
      const request = requestOf(client);
      const { code = '' } = readAnswer(await visit(client.authorizeUrl(request)));
      const { body } = await client.post('token_endpoint', {
        grant_type: 'authorization_code',
        code,
        redirect_uri: client.redirectUri,
      });
      const hint = String(body.id_token);
      const end = (query: Record<string, string>) =>
        `${client.endpoint('end_session_endpoint')}?${new URLSearchParams(query)}`;
      const back = { id_token_hint: hint, post_logout_redirect_uri: `${home}post_logout_redirect` };
      const left = await visit(end({ ...back, state: 'bye' }));
      expect(left.url.href).toBe(`${home}post_logout_redirect?state=bye`);
      if (told !== undefined) {
        const { sid } = decodeJwt(hint);
        const received = await eventually(() => {
          const found = suite.received.find(({ url }) => url?.includes(`${plan.alias}/${told}`));
          expect(found).toBeDefined();
          return found;
        });
        const token = new URLSearchParams(received?.body).get('logout_token');
        const named = token
          ? decodeJwt(token).sid
          : new URL(received?.url ?? '', base).searchParams.get('sid');
        expect(named).toBe(sid);
      }
      const silent = await visit(client.authorizeUrl({ ...request, prompt: 'none' }));
      expect(readAnswer(silent).error).toBe('login_required');
      await close();
      await client.close();
    },
    120_000,
  );

  test('what a reviewer is shown of logouts that lead nowhere', async () => {
    const { plan, home, client } = await connect('oidcc-rp-initiated-logout-dynamic');
    const logout = 'oidcc-rp-initiated-logout';
    const request = requestOf(client);
    const end = (query: Record<string, string>) =>
      `${client.endpoint('end_session_endpoint')}?${new URLSearchParams(query)}`;
    const back = `${home}post_logout_redirect`;
    const cases = [
      ['bad-id-token-hint', { id_token_hint: 'x', post_logout_redirect_uri: back }],
      [
        'bad-post-logout-redirect-uri',
        { client_id: client.clientId, post_logout_redirect_uri: `${back}/x` },
      ],
      ['no-id-token-hint', { post_logout_redirect_uri: back, state: 'bye' }],
    ] as const;
    for (const [module, query] of cases) {
      const { visit, close } = await browserFor(plan, `${logout}-${module}`);
      expect(readAnswer(await visit(client.authorizeUrl(request)))).toHaveProperty('code');
      const shown = await visit(end(query));
      expect(shown.pictures).toEqual([
        module === 'no-id-token-hint' ? 'Sign out of' : 'This link does not work',
      ]);
      expect(shown.url.origin).toBe(conformance.urls.signOn);
      await close();
    }
    const { visit, close } = await browserFor(plan);
    await visit(client.authorizeUrl(request));
    expect((await visit(end({}))).pictures).toEqual(['You are signed out']);
    await close();
    await client.close();
  });

  test('what a client publishes at the suite is fetched there', async () => {
    const { client } = await connect('oidcc-dynamic-code', {
      subject_type: 'pairwise',
      sector_identifier_uri: `${base}test/a/assent-oidcc-dynamic-code/redirect_uris.json`,
    });
    expect(client.clientId).not.toBe('undefined');
    await client.close();
  });
});

test('the suite may not be there yet, and is told apart from one whose certificate is for another host', async () => {
  const elsewhere = async (address: string) => {
    const prepared = await createConformance({
      directory: await mkdtemp(join(directory, 'again-')),
      ...{ portBase: portBase + 5, host: 'localhost', listen: '127.0.0.1' },
      suite: new URL(address),
    });
    return prepared.suite;
  };
  expect(await elsewhere(`https://127.0.0.1:${portBase + 9}/`)).toBe('absent');
  const authority = await openCertificateAuthority(join(directory, 'others'), systemClock);
  const misnamed = await startTarget(await authority.client('nobody'), (response) => {
    response.end();
  });
  expect(await elsewhere(`https://127.0.0.1:${misnamed.port}/`)).toBe('misnamed');
  await misnamed.stop();
});
