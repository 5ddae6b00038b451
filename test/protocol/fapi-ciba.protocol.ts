import { afterAll, beforeAll, beforeEach, describe } from '@jest/globals';
import { type RunningCiba, startCiba, subjectOf } from '../ciba/support/start-ciba.js';
import { type CibaRun, type CibaVariant, fapiCibaPlan } from './plans/fapi-ciba.js';
import { testRows } from './support/walk.js';

const variants: readonly CibaVariant[] = [
  { authentication: 'private_key_jwt', mode: 'poll' },
  { authentication: 'private_key_jwt', mode: 'ping' },
  { authentication: 'mtls', mode: 'poll' },
  { authentication: 'mtls', mode: 'ping' },
];

let bank: RunningCiba;

beforeAll(async () => {
  bank = await startCiba();
}, 60_000);
afterAll(() => bank?.stop());
// What other rows have left waiting is over.
beforeEach(() => bank.clock.advance(600));

function connect(name: string, { authentication, mode }: CibaVariant) {
  return bank.connectClient(name, {
    ...(authentication === 'mtls' && {
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: subjectOf(name),
    }),
    ...(mode === 'ping' && {
      backchannel_token_delivery_mode: 'ping',
      backchannel_client_notification_endpoint: bank.target.url,
    }),
  });
}

describe('FAPI-CIBA', () => {
  for (const variant of variants) {
    const name = `${variant.authentication} ${variant.mode}`;
    describe(`plain_fapi ${name}`, () => {
      let run: CibaRun;
      beforeAll(async () => {
        const slug = name.replace(' ', '-');
        run = {
          ...{ bank, variant },
          client: await connect(`first-${slug}`, variant),
          other: await connect(`second-${slug}`, variant),
        };
      });
      testRows(fapiCibaPlan, variant, () => run);
    });
  }
});
