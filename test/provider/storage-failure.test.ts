import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

/* A store that is lost while a request is under way, also before the library has begun with it. */

let bank: RunningAssent;
let lost: string | undefined;

beforeAll(async () => {
  bank = await startAssent(
    {
      role: 'bank',
      profiles: ['fapi2-security', 'openid-connect'],
      clients: [
        {
          client_id: 'app',
          profile: 'openid-connect',
          client_secret: 'a-secret-of-the-test-that-is-long-enough',
          token_endpoint_auth_method: 'client_secret_basic',
          redirect_uris: ['https://app.example/callback'],
        },
      ],
    },
    {
      ledger: createDemoLedger({ clock: systemClock }),
      onStorageCall({ collection }) {
        if (collection === lost) throw new Error(`the store of ${collection} is lost`);
      },
    },
  );
});
afterAll(() => bank?.stop());

test.each([
  ['before the library begins', 'interaction', '/oidc/auth/a-visit-of-nobody'],
  ['while it works', 'client', '/oidc/auth?client_id=app'],
])(
  'is answered in one way, under the trace id, without what went wrong: %s',
  async (_when, collection, path) => {
    const interaction = '93bac548-d2de-4546-b106-880a5018460d';
    const ask = (accept: string) =>
      bank.fetch(path, { headers: { accept, 'x-fapi-interaction-id': interaction } });
    lost = collection;
    try {
      const [machine, browser] = [await ask('application/json'), await ask('text/html')];
      expect([machine.status, browser.status]).toEqual([500, 500]);
      expect(await machine.json()).toEqual({
        error: 'server_error',
        error_description: 'the server could not handle the request',
      });
      const page = await browser.text();
      expect(page).toContain('Something went wrong on our side');
      expect(page).toContain(interaction);
      expect(page).not.toContain('is lost');
      for (const { headers } of [machine, browser]) {
        expect(headers.get('x-fapi-interaction-id')).toBe(interaction);
        expect(headers.get('content-security-policy')).not.toBeNull();
        expect(headers.get('set-cookie')).toBeNull();
      }
    } finally {
      lost = undefined;
    }
  },
);
