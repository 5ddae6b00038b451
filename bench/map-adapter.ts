import type { Adapter, AdapterPayload } from 'oidc-provider';

/**
 * The least that the library can run on: a Map, unbounded and without expiry, as its own memory
 * adapter would be without its limit of 1000 records. No storage can cost less.
 */
export function createMapAdapterFactory(): (model: string) => Adapter {
  return () => {
    const records = new Map<string, AdapterPayload>();

    async function findBy(member: 'uid' | 'userCode', value: string) {
      return [...records.values()].find((record) => record[member] === value);
    }

    return {
      async upsert(id, payload) {
        records.set(id, payload);
      },
      find: async (id) => records.get(id),
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (userCode) => findBy('userCode', userCode),
      async consume(id) {
        const record = records.get(id);
        if (record) record.consumed = Math.floor(Date.now() / 1000);
      },
      async destroy(id) {
        records.delete(id);
      },
      async revokeByGrantId(grantId) {
        for (const [id, record] of records) if (record.grantId === grantId) records.delete(id);
      },
    };
  };
}
