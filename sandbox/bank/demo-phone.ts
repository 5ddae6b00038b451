import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../core/clock.js';
import type { SecondFactor } from '../../core/second-factor.js';
import { demoCustomers } from './demo-people.js';

/** How long a code is good for (milliseconds). */
const goodFor = 5 * 60_000;

/**
 * The phones of the simulated bank's customers. A code is a keyed hash of the reference it is sent under,
 * so that nothing has to be remembered; the key is new with each start.
 */
export function createDemoPhones({ clock }: { readonly clock: Clock }): SecondFactor {
  const key = randomBytes(32);

  function codeOf(reference: string): string {
    const digest = createHmac('sha256', key).update(reference).digest();
    return String(digest.readUInt32BE() % 1_000_000).padStart(6, '0');
  }

  return {
    async send(customerId, purpose) {
      const customer = demoCustomers.find(({ id }) => id === customerId);
      if (customer?.phone === undefined) return undefined;
      const reference = `${clock.now()}.${randomUUID()}`;
      return {
        reference,
        device: `your phone ending in ${customer.phone.slice(-3)}`,
        simulatedMessage: `Northbank: ${codeOf(reference)} is your code. ${purpose}`,
      };
    },

    async verify(reference, code) {
      const sentAt = Number.parseInt(reference, 10);
      if (!(clock.now() - sentAt <= goodFor)) return false;
      const [given, expected] = [Buffer.from(code), Buffer.from(codeOf(reference))];
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}
