import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { InstitutionConnector } from '../../core/institution.js';
import { issueAuthority } from '../../sandbox/issue-certificate.js';
import { connectTo, terms } from './support/connect-to-bank.js';
import {
  type Handler,
  issueCertificates,
  type ScriptedBank,
  startScriptedBank,
} from './support/scripted-bank.js';

let certificates: Awaited<ReturnType<typeof issueCertificates>>;
let bank: ScriptedBank;

beforeAll(async () => {
  certificates = await issueCertificates();
  bank = await startScriptedBank(certificates);
});
afterAll(() => bank.stop());
beforeEach(() => bank.reset());

const authorization = {
  intentId: 'intent-1',
  permissions: terms.permissions,
  accessToken: 'first-token',
  accessTokenExpiresAt: '2099-01-01T00:00:00.000Z',
};

async function readAccounts(changes: Parameters<typeof connectTo>[2] = {}) {
  const connector: InstitutionConnector = connectTo(bank, certificates, {
    // What a bank did wrong is told apart from a slow machine.
    timeoutSeconds: 20,
    ...changes,
  });
  return (await connector.open(authorization)).accounts();
}

const jsonType = { 'content-type': 'application/json' };

/** Sends until the other side hangs up. */
const endless: Handler = (_request, response) => {
  response.writeHead(200, jsonType);
  const chunk = Buffer.alloc(65_536, ' ');
  const send = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', send);
  send();
};

const trickle: Handler = (_request, response) => {
  response.writeHead(200, jsonType);
  const timer = setInterval(() => response.write(' '), 50);
  response.on('close', () => clearInterval(timer));
};

describe('a bank that does not behave', () => {
  it.each<[string, Handler]>([
    ['never answers', () => undefined],
    ['answers byte by byte, without end', trickle],
  ])('is unavailable when it %s for longer than it may', async (_what, handler) => {
    bank.script('GET /aisp/accounts', handler);
    await expect(readAccounts({ timeoutSeconds: 0.5 })).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  it.each<[string, string, Handler]>([
    ['unavailable', 'hangs up', (_request, response) => void response.destroy()],
    [
      'unavailable',
      'hangs up in the middle of its answer',
      (_request, response) => {
        response.writeHead(200, { ...jsonType, 'content-length': 1000 });
        response.write('{"Data":', () => response.destroy());
      },
    ],
    ['unavailable', 'fails', (_request, response) => void response.writeHead(502).end('<html>')],
    ['invalid_answer', 'sends a body without end', endless],
    [
      'invalid_answer',
      'sends a page instead of JSON',
      (_request, response) => void response.writeHead(200).end('<!doctype html>'),
    ],
    ['invalid_answer', 'sends nothing', (_request, response) => void response.writeHead(200).end()],
    [
      'invalid_answer',
      'sends a body with a status that has none',
      (_request, response) => void response.writeHead(205, jsonType).end('{"Data":{}}'),
    ],
    [
      'invalid_answer',
      'sends JSON that is cut off',
      (_request, response) => void response.writeHead(200, jsonType).end('{"Data":{"Account":[{'),
    ],
    [
      'invalid_answer',
      'sends JSON of another shape',
      (_request, response) => void response.writeHead(200, jsonType).end('{"Data":{"Account":{}}}'),
    ],
    [
      'invalid_answer',
      'packs its answer without being asked',
      (_request, response) =>
        void response
          .writeHead(200, { ...jsonType, 'content-encoding': 'gzip' })
          .end(gzipSync('{"Data":{"Account":[]}}')),
    ],
    [
      'invalid_answer',
      'is not speaking HTTP',
      (_request, response) => void response.socket?.end('220 smtp ready\r\n'),
    ],
    [
      'unavailable',
      'answers with a status that does not exist',
      (_request, response) => void response.socket?.end('HTTP/1.1 099 Odd\r\n\r\n'),
    ],
  ])('is %s when it %s', async (code, _what, handler) => {
    bank.script('GET /aisp/accounts', handler);

    await expect(readAccounts()).rejects.toMatchObject({
      name: 'InstitutionError',
      code,
      message: expect.stringMatching(/^Test Bank .*\.$/),
      cause: expect.anything(),
    });
  });

  it.each([301, 302, 307, 308])('is not followed when it redirects with %d', async (status) => {
    bank.script('GET /aisp/accounts', (_request, response) => {
      response.writeHead(status, { location: `${bank.mtls}/aisp/elsewhere` }).end();
    });

    await expect(readAccounts()).rejects.toMatchObject({ code: 'invalid_answer' });
    expect(bank.requests('GET /aisp/elsewhere')).toHaveLength(0);
  });

  it('is not believed without a certificate of its authority', async () => {
    const stranger = await issueAuthority('CN=Stranger', {
      notBefore: new Date(Date.now() - 1000),
      notAfter: new Date(Date.now() + 86_400_000),
    });

    await expect(
      readAccounts({ certificateAuthority: stranger.certificate }),
    ).rejects.toMatchObject({ code: 'unavailable' });
    expect(bank.seen).toHaveLength(0);
  });

  it('is unavailable when nobody listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    await new Promise((resolve) => server.close(resolve));

    await expect(
      readAccounts({ resourceUrl: `https://127.0.0.1:${port}/aisp` }),
    ).rejects.toMatchObject({ code: 'unavailable', message: 'Test Bank could not be reached.' });
  });

  it('is given up on in time also while discovery never answers', async () => {
    bank.script('GET /.well-known/openid-configuration', () => undefined);
    const connector = connectTo(bank, certificates, { timeoutSeconds: 0.5 });

    await expect(connector.revoke({ intentId: 'intent-1' })).rejects.toMatchObject({
      code: 'unavailable',
      message: 'Test Bank did not answer in time.',
    });
  });
});
