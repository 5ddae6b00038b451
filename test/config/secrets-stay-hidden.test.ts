import fc from 'fast-check';
import { ConfigurationError } from '../../config/configuration-error.js';
import { createConfigurationDirectory, minimal } from './support.js';

let place: Awaited<ReturnType<typeof createConfigurationDirectory>>;
beforeAll(async () => {
  place = await createConfigurationDirectory();
});
afterAll(() => place.remove());

const secrets = fc.stringMatching(/^[A-Za-z0-9+/]{16,48}$/);

/** Every place where an operator keeps, or by mistake puts, a secret; each is a mistake by itself. */
const carriers: Record<string, (secret: string) => [unknown, Record<string, string>?]> = {
  'a master key of the wrong length': (secret) => [
    { ...minimal, storage: { masterKey: { value: `${secret}.` } } },
  ],
  'a master key without its object': (secret) => [{ ...minimal, storage: { masterKey: secret } }],
  'a master key in the environment': (secret) => [
    minimal,
    { ASSENT_STORAGE__MASTER_KEY__VALUE: `${secret}.` },
  ],
  'a misspelt variable': (secret) => [minimal, { ASSENT_STORAGE__MASTER_KEY__VALEU: secret }],
  'a database password': (secret) => [
    { ...minimal, storage: { url: `mongo://assent:${secret}@db.example.com/assent` } },
  ],
  'a database URL one level too high': (secret) => [
    { ...minimal, storage: `mongodb://assent:${secret}@db.example.com/assent` },
  ],
  'a password in a public URL': (secret) => [
    { ...minimal, publicUrl: `https://assent:${secret}@id.example.com` },
  ],
  'a client secret beside a wrong id': (secret) => [
    { ...minimal, clients: [{ client_id: 42, client_secret: secret }] },
  ],
  'clients that are no list': (secret) => [
    minimal,
    { ASSENT_CLIENTS: `{"client_secret":"${secret}"` },
  ],
  'a file that is not JSON': (secret) => [`{"storage":{"masterKey":{"value":"${secret}"}}`],
  'a file that is one text': (secret) => [`"${secret}"`],
  'an unquoted secret': (secret) => [`{"client_secret": x${secret}}`],
};

describe('a configuration mistake', () => {
  it.each(Object.entries(carriers))('never repeats %s', async (_, carry) => {
    await fc.assert(
      fc.asyncProperty(secrets, async (secret) => {
        const error: unknown = await place.load(...carry(secret)).then(
          () => undefined,
          (reason: unknown) => reason,
        );

        expect(error).toBeInstanceOf(ConfigurationError);
        if (!(error instanceof Error)) return;
        expect(`${error.message}${error.stack}${JSON.stringify(error)}`).not.toContain(secret);
        expect(error.cause).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});
