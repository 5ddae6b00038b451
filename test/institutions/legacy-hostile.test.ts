import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { systemClock } from '../../core/clock.js';
import type { InstitutionConnector } from '../../core/institution.js';
import { type Listener, listen } from '../../http/listen.js';
import { createSimulatedLegacyConnector } from '../../institutions/simulated-legacy/create-simulated-legacy-connector.js';
import { readPage } from '../../institutions/simulated-legacy/read-page.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';

let directory: string;
let listener: Listener;
let handler: RequestListener;
let seen: string[];
let connector: InstitutionConnector;
let connect: (timeoutSeconds: number) => InstitutionConnector;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-hostile-'));
  const authority = await openCertificateAuthority(directory, systemClock);
  const server = await authority.server('server');
  const ca = await readFile(authority.certificate, 'utf8');
  listener = await listen(
    {
      host: '127.0.0.1',
      port: 0,
      certificate: await readFile(server.certificate, 'utf8'),
      key: await readFile(server.key, 'utf8'),
    },
    (request, response) => {
      seen.push(`${request.method} ${request.url}`);
      request.resume();
      handler(request, response);
    },
  );
  connect = (timeoutSeconds) =>
    createSimulatedLegacyConnector({
      bankName: 'Old Mill Bank',
      url: `https://127.0.0.1:${listener.port}`,
      certificateAuthority: ca,
      timeoutSeconds,
      clock: systemClock,
    });
  // What the bank did wrong is told apart from a slow machine.
  connector = connect(20);
});
afterAll(async () => {
  await listener.close(0);
  await rm(directory, { recursive: true });
});
beforeEach(() => {
  seen = [];
});

/** Answers every request alike. */
function answer(status: number, html: string, headers: Record<string, string | string[]> = {}) {
  handler = (_request, response) => response.writeHead(status, headers).end(html);
}

const authorization = { userName: 'amelia', password: 'the-password', cookies: { session: 's' } };
const accountsPage = (rows: string) =>
  `<body id="accounts"><b id="customer">amelia</b><table><tr><th>Account</th><th>Kind</th><th>Sort code</th><th>Account number</th><th>Balance</th></tr>${rows}</table>`;

describe('a bank that does what it should not', () => {
  it.each([
    ['invalid_answer', 'an unknown page', () => answer(200, '<body id="news">')],
    ['invalid_answer', 'no page at all', () => answer(200, '{"error": true}')],
    ['invalid_answer', 'a page without end', () => answer(200, 'x'.repeat(2 * 1024 * 1024))],
    [
      'invalid_answer',
      'a way to another host',
      () => answer(302, '', { location: 'https://evil.example/sign-in' }),
    ],
    ['invalid_answer', 'a way in circles', () => answer(302, '', { location: '/accounts' })],
    ['rate_limited', 'too many calls', () => answer(429, '')],
    ['unavailable', 'a fault of its own', () => answer(500, '<body id="accounts">')],
    ['refused', 'a refusal', () => answer(403, '<body id="accounts">')],
    [
      'invalid_answer',
      'an account that is elsewhere',
      () => answer(200, accountsPage('<tr><td><a href="https://evil.example/1">A</a></td></tr>')),
    ],
    [
      'invalid_answer',
      'a balance that is none',
      () =>
        answer(
          200,
          accountsPage(
            '<tr><td><a href="/accounts/1">A</a></td><td>K</td><td>1</td><td>2</td><td>much</td></tr>',
          ),
        ),
    ],
  ])('is %s for %s', async (code, _what, script) => {
    script();
    const error = await connector
      .open(authorization)
      .then((session) => session.accounts())
      .catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({
      name: 'InstitutionError',
      code,
      message: expect.stringMatching(/^Old Mill Bank .*\.$/),
    });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/the-password|evil/);
    expect(seen.length).toBeLessThanOrEqual(12);
  });

  it('is unavailable for no answer', async () => {
    handler = () => {};
    await expect(connect(0.5).open(authorization)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('takes no more calls for as long as it says', async () => {
    answer(429, '', { 'retry-after': '120' });
    await expect(connector.open(authorization)).rejects.toMatchObject({ retryAfter: 120 });
  });

  it('does not say who is signed in: nobody is', async () => {
    answer(200, '<body id="accounts">');
    const attempt = { stage: 'login', wrong: 0, cookies: {} };

    await expect(
      connector.answer?.({ attempt, answers: { user_name: 'a', password: 'b' } }),
    ).rejects.toMatchObject({ code: 'invalid_answer' });
  });

  it('goes on and on with one statement', async () => {
    answer(200, accountsPage(''));
    const session = await connector.open(authorization);
    answer(200, '<body id="statement"><a rel="next" href="/accounts/1?page=2">');
    const read = async () => {
      for await (const _page of session.transactions('1', { from: new Date(0), to: new Date() }));
    };

    await expect(read()).rejects.toMatchObject({ code: 'invalid_answer' });
    expect(seen.length).toBeLessThan(1100);
  });

  it('sets cookies that would be headers: they are kept as what they are', async () => {
    const cookies = ['good=1; Path=/', 'bad=a b"c', 'worse', '=x', `long=${'y'.repeat(100)}`];
    answer(200, accountsPage(''), { 'set-cookie': cookies });
    const session = await connector.open(authorization);

    expect(session.authorization).toMatchObject({ cookies: { session: 's' } });
    await session.accounts();
    expect(session.authorization.cookies).toEqual({
      session: 's',
      good: '1',
      bad: 'a',
      long: 'y'.repeat(100),
    });
  });
});

describe('reading a page', () => {
  it('never throws, whatever it is', () => {
    const pieces = fc.constantFrom(
      '<',
      '>',
      '"',
      '=',
      'td',
      '<tr',
      '<td>',
      '</tr>',
      'id="x"',
      '&amp',
      ';',
      ' ',
      'é',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
        readPage(parts.join(''));
      }),
    );
  });

  it.each(['<a', '<a href="', '<td><td id="', '&amp', 'a="b" ', '</'])(
    'costs no more than its length: a megabyte of %s',
    (piece) => {
      const html = `<body id="b">${piece.repeat(Math.floor(1_000_000 / piece.length))}`;
      const began = performance.now();
      expect(readPage(html).name).toBe('b');
      expect(performance.now() - began).toBeLessThan(20_000);
    },
  );
});
