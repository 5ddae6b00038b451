/** Redeems the codes `code-0` to `code-199`, twenty at a time, and reports each redeemed one. */
import { createOidcAdapterFactory } from '../../../../adapters/oidc/create-oidc-adapter-factory.js';
import { createUnitOfWork } from '../../../../adapters/oidc/unit-of-work.js';
import { systemClock } from '../../../../core/clock.js';
import { openFromArguments, report } from './open-from-arguments.js';

const storage = await openFromArguments();
const unitOfWork = createUnitOfWork(storage, systemClock);
const adapter = createOidcAdapterFactory({ unitOfWork, clock: systemClock });
let next = 0;

report('ready');

async function redeemOn(): Promise<void> {
  while (next < 200) {
    const code = `code-${next++}`;
    try {
      await unitOfWork.run(async () => {
        await adapter('AuthorizationCode').consume(code);
        await adapter('AccessToken').upsert(
          `token-of-${code}-${process.pid}`,
          { grantId: code },
          600,
        );
      });
      report(code);
    } catch (error) {
      // Another process had this one.
      if (!(error instanceof Error && error.message === 'invalid_grant')) throw error;
    }
  }
}

await Promise.all(Array.from({ length: 20 }, redeemOn));
await storage.close();
