import { join, resolve } from 'node:path';
import { ConfigurationError } from '../../config/configuration-error.js';
import { loadConfiguration } from '../../config/load-configuration.js';
import { connector, createConfigurationDirectory, minimal } from './support.js';

let place: Awaited<ReturnType<typeof createConfigurationDirectory>>;
beforeAll(async () => {
  place = await createConfigurationDirectory();
});
afterAll(() => place.remove());

async function mistakesOf(loading: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConfigurationError))
    throw new Error('expected mistakes', { cause: error });
  return error.mistakes;
}

describe('loadConfiguration', () => {
  it('fills in every default and makes paths absolute from the directory of the file', async () => {
    const configuration = await place.load({ ...minimal, logos: 'logos' });

    expect(configuration).toMatchObject({
      role: 'identity-service',
      listen: { browser: { host: '127.0.0.1', port: 3000 }, mtls: { port: 3001 } },
      lifetimes: { accessToken: 7200, ongoingConsent: 7_776_000 },
      institutions: [],
      log: 'info',
    });
    expect(configuration.tls.certificate).toBe(join(place.directory, 'server.pem'));
    expect(configuration.logos).toBe(join(place.directory, 'logos'));
    expect(configuration.storage).toEqual({
      url: `sqlite:${join(place.directory, 'data/assent.db')}`,
      masterKey: { file: join(place.directory, 'data/master.key') },
    });
  });

  it('lists every mistake at once: where, what was found, what is allowed', async () => {
    const mistakes = await mistakesOf(
      place.load(
        {
          publicUrl: 'http://id.example.com/',
          mtlsUrl: 'https://mtls.example.com',
          tls: { certificate: 'missing.pem', key: 'ca.pem' },
          listen: { browser: { port: 70000 } },
          storage: { url: 'postgres://localhost/assent', mastrKey: {} },
          log: 'loud',
          institutions: [{ id: 'all', name: 'A', connector: { ...connector, signingKeys: 1 } }],
          lifetime: {},
        },
        { ASSENT_LIFETIMES__SESSION: 'soon', ASSENT_STORAGE__MASTERKEY__FIEL: '/x' },
      ),
    );

    expect(mistakes).toEqual([
      expect.stringMatching(/^ASSENT_STORAGE__MASTERKEY__FIEL: names no setting/),
      expect.stringMatching(/^publicUrl: found "http:.*expected an https origin without path/),
      expect.stringMatching(/^listen.browser.port: found 70000; expected number to be <=65535/),
      'storage.url: found (hidden); expected sqlite:PATH or mongodb://…',
      'storage.mastrKey: is no setting; expected one of url, masterKey',
      'lifetimes.session: found "soon"; expected number',
      expect.stringMatching(/^institutions.0.id: found "all"; expected another name/),
      expect.stringMatching(/^institutions.0.connector.signingKeys: is no setting; .*signingKey,/),
      expect.stringMatching(/^log: found "loud"; expected one of "silent"/),
      expect.stringMatching(/^lifetime: is no setting; expected one of role, publicUrl/),
      expect.stringMatching(
        /^tls.certificate: found .*missing.pem, which cannot be read \(ENOENT\)/,
      ),
      expect.stringMatching(
        /^tls.key: found .*ca.pem, which cannot be understood; expected a private/,
      ),
    ]);
  });

  it('takes what belongs to banks in their role only', async () => {
    const settings = { ...minimal, ecosystems: ['connectid-au'] };
    expect(await mistakesOf(place.load(settings))).toEqual([
      'ecosystems: found some; expected them in role bank only',
    ]);
    const bank = await place.load({ ...settings, role: 'bank' });
    expect(bank.ecosystems).toEqual(['connectid-au']);
  });

  it('takes hosts and networks for outgoing.allow, and nothing that only looks like them', async () => {
    const good = [
      'hooks.internal',
      'Hooks.internal:8443',
      '10.0.0.7:443',
      '10.1.0.0/16',
      'fd00::/8',
    ];
    const bad = [
      'https://a',
      'a/b',
      'a:99999',
      '10.0.0.0/33',
      '10.0.0/8',
      '/8',
      '[::1]',
      '::1',
      '*',
      '',
    ];
    const certificateAuthorities = ['ca.pem'];
    const { outgoing } = await place.load({
      ...minimal,
      outgoing: { allow: good, certificateAuthorities },
    });
    expect(outgoing.allow).toEqual(good);
    expect(outgoing.certificateAuthorities).toEqual([join(place.directory, 'ca.pem')]);
    const mistakes = await mistakesOf(place.load({ ...minimal, outgoing: { allow: bad } }));
    expect(mistakes.map((mistake) => mistake.split(':')[0])).toEqual(
      bad.map((_, index) => `outgoing.allow.${index}`),
    );
    expect(
      await mistakesOf(
        place.load({ ...minimal, outgoing: { certificateAuthorities: ['server.key'] } }),
      ),
    ).toEqual([
      expect.stringMatching(/^outgoing.certificateAuthorities.0: .*expected a certificate/),
    ]);
  });

  it('lists what is missing', async () => {
    expect(await mistakesOf(loadConfiguration({ environment: {} }))).toEqual([
      'publicUrl: found nothing; expected string',
      'mtlsUrl: found nothing; expected string',
      'tls: found nothing; expected object',
    ]);
  });

  it('refuses what only together is wrong', async () => {
    const institution = { id: 'north', name: 'North', connector };
    const mistakes = await mistakesOf(
      place.load({
        ...minimal,
        mtlsUrl: minimal.publicUrl,
        tls: { certificate: 'server.pem', key: 'ca.key' },
        listen: { browser: { port: 4000 }, mtls: { port: 4000 } },
        institutions: [
          institution,
          { ...institution, connector: { ...connector, request: 'signed' } },
        ],
        clients: [{ client_id: 'app' }, { client_id: 'app' }],
      }),
    );

    expect(mistakes).toEqual([
      expect.stringMatching(/^mtlsUrl: .*which is publicUrl/),
      expect.stringMatching(/^listen.mtls.port: found 4000, which is listen.browser.port/),
      'institutions.1.id: found "north" a second time',
      expect.stringMatching(/^institutions.1.connector.signingKey: found nothing/),
      'clients.1.client_id: found "app" a second time',
      expect.stringMatching(/^tls.key: found .*ca.key; expected the private key of .*server.pem/),
    ]);
  });

  it.each([
    ['not JSON at all', /is not JSON/],
    ['["a list"]', /expected a JSON object/],
    ['null', /expected a JSON object/],
  ])('refuses a file with %s', async (text, reason) => {
    expect(await mistakesOf(place.load(text))).toEqual([expect.stringMatching(reason)]);
  });

  it('says which file it could not read', async () => {
    const file = join(place.directory, 'nowhere.json');
    expect(await mistakesOf(loadConfiguration({ file, environment: {} }))).toEqual([
      expect.stringContaining(`${file}: cannot be read (ENOENT)`),
    ]);
  });

  it('refuses addresses of the own machine in production only', async () => {
    const settings = {
      ...minimal,
      publicUrl: 'https://localhost:3000',
      clients: [{ client_id: 'app', redirect_uris: ['http://127.0.0.1/cb', 'app://cb'] }],
    };

    await expect(place.load(settings)).resolves.toMatchObject({ clients: [{ client_id: 'app' }] });
    expect(await mistakesOf(place.load(settings, { NODE_ENV: 'production' }))).toEqual([
      expect.stringMatching(/^publicUrl: found "https:\/\/localhost:3000", which is this machine/),
      expect.stringMatching(/^clients.0.redirect_uris.0: found "http:\/\/127.0.0.1\/cb"/),
    ]);
  });
});

test('codes of FAPI clients live a minute at most (FAPI 2.0 SP §5.3.2.1-11)', async () => {
  const { lifetimes } = await place.load({ ...minimal, lifetimes: { authorizationCode: 60 } });
  expect(lifetimes.authorizationCode).toBe(60);
  expect(
    await mistakesOf(place.load({ ...minimal, lifetimes: { authorizationCode: 61 } })),
  ).toEqual(['lifetimes.authorizationCode: found 61; expected number to be <=60']);
});

describe('environment variables', () => {
  it('win over the file, numbers and lists as JSON, texts as they are', async () => {
    const configuration = await place.load(
      { ...minimal, log: 'error', listen: { browser: { port: 4000 } } },
      {
        ASSENT_PUBLIC_URL: 'https://other.example.com',
        ASSENT_LISTEN__BROWSER__PORT: '5000',
        ASSENT_LIFETIMES__ACCESSTOKEN: '60',
        ASSENT_CLIENTS: '[{"client_id":"42"}]',
        ASSENT_TLS__CLIENT_CERTIFICATE_AUTHORITIES: '["ca.pem"]',
      },
    );

    expect(configuration).toMatchObject({
      publicUrl: 'https://other.example.com',
      log: 'error',
      listen: { browser: { port: 5000 } },
      lifetimes: { accessToken: 60 },
      clients: [{ client_id: '42' }],
      tls: { clientCertificateAuthorities: [join(place.directory, 'ca.pem')] },
    });
  });

  it('replace the choice that the file made', async () => {
    const value = Buffer.alloc(32, 7).toString('base64');
    const configuration = await place.load(
      { ...minimal, storage: { masterKey: { file: 'other.key' } } },
      { ASSENT_STORAGE__MASTER_KEY__VALUE: value },
    );

    expect(configuration.storage.masterKey).toEqual({ value });
  });

  it('suffice without a file, with paths from the working directory', async () => {
    const configuration = await loadConfiguration({
      environment: {
        ASSENT_PUBLIC_URL: minimal.publicUrl,
        ASSENT_MTLS_URL: minimal.mtlsUrl,
        ASSENT_TLS__CERTIFICATE: join(place.directory, 'server.pem'),
        ASSENT_TLS__KEY: join(place.directory, 'server.key'),
      },
    });

    expect(configuration.storage.url).toBe(`sqlite:${resolve('data/assent.db')}`);
  });

  it('of the machinery around a container are left alone', async () => {
    const linked = { ASSENT_SERVICE_HOST: '10.0.0.1', ASSENT_PORT_3000_TCP: 'tcp://10.0.0.1:3000' };
    await expect(place.load(minimal, linked)).resolves.toMatchObject({ role: 'identity-service' });
  });
});
