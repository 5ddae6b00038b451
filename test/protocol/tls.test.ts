import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type ConnectionOptions, connect, getCiphers } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readMetadata } from './rows/metadata.js';
import { type ProtocolBank, startProtocolBank } from './support/start-protocol-bank.js';

/** The suites of TLS 1.2 that FAPI 2.0 SP §5.2.2 and FAPI 1.0 Advanced §8.5 leave. */
const allowed = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
];
/** Lets a client of today's OpenSSL offer what is obsolete. */
const anything = 'ALL:COMPLEMENTOFALL:@SECLEVEL=0';

let bank: ProtocolBank;
let ca: string;

beforeAll(async () => {
  bank = await startProtocolBank();
  ca = await readFile(bank.authority.certificate, 'utf8');
}, 60_000);

afterAll(() => bank?.stop());

const portOf = {
  browser: () => bank.configuration.listen.browser.port,
  mtls: () => bank.configuration.listen.mtls.port,
};

/** What a client agrees on with a listener, or the code of the failure. */
async function agree(port: number, options: ConnectionOptions) {
  const socket = connect({ host: 'localhost', port, ca, servername: 'localhost', ...options });
  try {
    await once(socket, 'secureConnect');
    return { version: socket.getProtocol(), suite: socket.getCipher().name };
  } catch (error) {
    return { failure: String(Object(error).code) };
  } finally {
    socket.destroy();
  }
}

describe.each(['browser', 'mtls'] as const)('the %s listener', (name) => {
  test('speaks TLS 1.3, and TLS 1.2 with each suite that the profiles allow for its key', async () => {
    expect(await agree(portOf[name](), {})).toMatchObject({ version: 'TLSv1.3' });
    const agreed = [];
    for (const ciphers of allowed) {
      const { suite } = await agree(portOf[name](), { ciphers, maxVersion: 'TLSv1.2' });
      if (suite !== undefined) agreed.push(suite);
    }
    // An RSA or an EC key: each has its half of them.
    expect(agreed).toHaveLength(2);
  });

  test.each(['TLSv1', 'TLSv1.1'] as const)('does not speak %s', async (version) => {
    const options = { minVersion: version, maxVersion: version, ciphers: anything } as const;
    expect(await agree(portOf[name](), options)).toMatchObject({
      failure: expect.stringMatching(/PROTOCOL|ECONNRESET|HANDSHAKE/),
    });
  });

  test('agrees on no other suite of TLS 1.2: no CBC, no RSA or DHE key exchange', async () => {
    const others = getCiphers()
      .map((suite) => suite.toUpperCase())
      .filter((suite) => !suite.startsWith('TLS_') && !allowed.includes(suite));
    expect(others).toEqual(expect.arrayContaining(['AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA']));
    const agreed = [];
    for (const suite of others) {
      const ciphers = `${suite}:@SECLEVEL=0`;
      const answer = await agree(portOf[name](), { ciphers, maxVersion: 'TLSv1.2' });
      if ('suite' in answer) agreed.push(answer.suite);
    }
    expect(agreed).toEqual([]);
  });

  test('lets nobody renegotiate', async () => {
    const socket = connect({
      ...{ host: 'localhost', port: portOf[name](), ca, servername: 'localhost' },
      maxVersion: 'TLSv1.2',
    });
    await once(socket, 'secureConnect');
    const ended = new Promise((resolve) => {
      socket.once('error', () => resolve('refused'));
      socket.once('close', () => resolve('refused'));
    });
    const renegotiated = new Promise((resolve) => {
      socket.renegotiate({ rejectUnauthorized: true }, (error) =>
        resolve(error ? 'refused' : 'renegotiated'),
      );
    });
    expect(await Promise.race([ended, renegotiated])).toBe('refused');
    socket.destroy();
  });

  test('shows a certificate for its name', async () => {
    const answer = await agree(portOf[name](), { servername: 'elsewhere.example' });
    expect(answer).toMatchObject({ failure: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });
});

test('discovery and the JWKS it leads to are as their schemas have them', async () => {
  await readMetadata(bank);
});
