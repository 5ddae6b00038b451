import type { KeyAdministration } from '../../core/key-administration.js';
import { isForEncryption } from './key-set.js';

/** All keys in one list: those that sign, and those that clients encrypt to. */
export function administerAllKeys(
  signing: KeyAdministration,
  encryption: KeyAdministration,
): KeyAdministration {
  const both = [signing, encryption];

  const list = async () => (await Promise.all(both.map((keys) => keys.list()))).flat();

  function ofAlgorithm(algorithm: string | undefined): readonly KeyAdministration[] {
    if (algorithm === undefined) return both;
    return [isForEncryption({ algorithm }) ? encryption : signing];
  }

  async function holderOf(kid: string): Promise<KeyAdministration> {
    const isEncryption = (await encryption.list()).some((key) => key.kid === kid);
    return isEncryption ? encryption : signing;
  }

  return {
    list,

    async rotate(algorithm, by) {
      for (const keys of ofAlgorithm(algorithm)) await keys.rotate(algorithm, by);
      return list();
    },

    async planRotation(algorithm) {
      const plans = await Promise.all(
        ofAlgorithm(algorithm).map((keys) => keys.planRotation(algorithm)),
      );
      return {
        publishes: plans.flatMap(({ publishes }) => publishes),
        published: plans.flatMap(({ published }) => published),
      };
    },

    async revoke(kid, by) {
      await (await holderOf(kid)).revoke(kid, by);
      return list();
    },

    planRevocation: async (kid) => (await holderOf(kid)).planRevocation(kid),
  };
}
