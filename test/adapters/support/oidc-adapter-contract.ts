import { createOidcAdapterFactory } from '../../../adapters/oidc/create-oidc-adapter-factory.js';
import { oidcCollections } from '../../../adapters/oidc/oidc-collections.js';
import { createUnitOfWork, type UnitOfWork } from '../../../adapters/oidc/unit-of-work.js';
import { openStorage } from '../../../adapters/open-storage.js';
import type { StorageCall } from '../../../adapters/sealed-storage.js';
import type { Storage } from '../../../core/storage.js';
import { createMovingClock } from './moving-clock.js';
import type { DatabaseKind } from './test-database.js';

/** The adapter contract of oidc-provider, held against one kind of database. */
export function describeOidcAdapter(kind: DatabaseKind): void {
  const clock = createMovingClock();
  let storage: Storage;
  let unitOfWork: UnitOfWork;
  let adapter: ReturnType<typeof createOidcAdapterFactory>;
  let calls: StorageCall[] = [];
  let lastId = 0;
  const newId = () => `oidc-${++lastId}`;
  const epochSeconds = () => Math.floor(clock.now() / 1000);

  beforeAll(async () => {
    const database = await kind.create();
    const collections = Object.values(oidcCollections);
    const onCall = (call: StorageCall) => calls.push(call);
    storage = await openStorage({ ...database, collections, clock, onCall });
    unitOfWork = createUnitOfWork(storage, clock);
    adapter = createOidcAdapterFactory({ unitOfWork, clock });
  });
  beforeEach(() => {
    calls = [];
  });
  afterAll(() => storage.close());

  describe('the oidc-provider adapter', () => {
    test('serves every model the library has and refuses another', () => {
      for (const model of Object.keys(oidcCollections)) expect(adapter(model)).toBeDefined();
      expect(() => adapter('Unknown')).toThrow('Unknown');
      expect(() => adapter('toString')).toThrow('toString');
    });

    test('finds the payload as it was saved, without bookkeeping', async () => {
      const id = newId();
      const payload = { jti: id, kind: 'Grant', accountId: 'a', openid: { scope: 'openid' } };
      await adapter('Grant').upsert(id, payload, 60);
      expect(await adapter('Grant').find(id)).toEqual(payload);
      expect(await adapter('Grant').find(newId())).toBeUndefined();
      clock.advance(60);
      expect(await adapter('Grant').find(id)).toBeUndefined();
    });

    test.each(['Client', 'InitialAccessToken', 'RegistrationAccessToken'])(
      'keeps a %s without a lifetime for ever',
      async (model) => {
        const id = newId();
        await adapter(model).upsert(id, { client_id: id, jti: id });
        clock.advance(100 * 365 * 86_400);
        expect(await adapter(model).find(id)).toEqual({ client_id: id, jti: id });
      },
    );

    test('marks a consumed record with the time in epoch seconds', async () => {
      const id = newId();
      await adapter('RefreshToken').upsert(id, { jti: id }, 60);
      await adapter('RefreshToken').consume(id);
      expect(await adapter('RefreshToken').find(id)).toEqual({ jti: id, consumed: epochSeconds() });
    });

    test('finds a session by its uid, also where two sessions share one', async () => {
      const [old, current, uid] = [newId(), newId(), newId()];
      await adapter('Session').upsert(old, { jti: old, uid }, 60);
      await adapter('Session').upsert(current, { jti: current, uid }, 60);
      expect(await adapter('Session').findByUid(uid)).toMatchObject({ uid });
      await adapter('Session').destroy(old);
      expect(await adapter('Session').findByUid(uid)).toEqual({ jti: current, uid });
      expect(await adapter('Session').findByUid(newId())).toBeUndefined();
    });

    test('finds a device code by its user code', async () => {
      const [id, userCode] = [newId(), newId()];
      await adapter('DeviceCode').upsert(id, { jti: id, userCode }, 60);
      expect(await adapter('DeviceCode').findByUserCode(userCode)).toEqual({ jti: id, userCode });
    });

    test.each([
      'AccessToken',
      'AuthorizationCode',
      'RefreshToken',
      'DeviceCode',
      'BackchannelAuthenticationRequest',
      'PreAuthorizedCode',
    ])('revokes each %s of a grant', async (model) => {
      const [first, second, other] = [newId(), newId(), newId()];
      await adapter(model).upsert(first, { jti: first, grantId: `g-${model}` }, 60);
      await adapter(model).upsert(second, { jti: second, grantId: `g-${model}` }, 60);
      await adapter(model).upsert(other, { jti: other, grantId: 'another' }, 60);
      await adapter(model).revokeByGrantId(`g-${model}`);
      expect(await adapter(model).find(first)).toBeUndefined();
      expect(await adapter(model).find(second)).toBeUndefined();
      expect(await adapter(model).find(other)).toBeDefined();
    });

    test('keeps a pushed request after its 60 s, so that it can still be consumed once', async () => {
      const id = newId();
      await adapter('PushedAuthorizationRequest').upsert(id, { jti: id, request: 'r' }, 60);
      clock.advance(600);
      await adapter('PushedAuthorizationRequest').consume(id);
      const again = adapter('PushedAuthorizationRequest').consume(id);
      await expect(again).rejects.toMatchObject({ error: 'invalid_request_uri', status: 400 });
    });

    test.each([
      'AuthorizationCode',
      'RefreshToken',
      'DeviceCode',
      'BackchannelAuthenticationRequest',
    ])('answers invalid_grant to a second use of a %s, and to an unknown one', async (model) => {
      const id = newId();
      await adapter(model).upsert(id, { jti: id }, 60);
      await adapter(model).consume(id);
      const refusal = { error: 'invalid_grant', status: 400 };
      await expect(adapter(model).consume(id)).rejects.toMatchObject(refusal);
      await expect(adapter(model).consume(newId())).rejects.toMatchObject(refusal);
    });
  });

  describe('replay detection', () => {
    test('lets a proof pass once, asking the store once', async () => {
      const id = newId();
      const replay = adapter('ReplayDetection');
      expect(await replay.find(id)).toBeUndefined();
      await replay.upsert(id, { jti: id, iss: 'client' }, 60);
      expect(calls).toEqual([{ operation: 'commit', collection: 'replay_detection' }]);
      await expect(replay.upsert(id, { jti: id, iss: 'client' }, 60)).rejects.toMatchObject({
        error: 'invalid_client',
        status: 401,
      });
      clock.advance(60);
      await replay.upsert(id, { jti: id, iss: 'client' }, 60);
    });

    test('lets one of 50 parallel uses pass', async () => {
      const id = newId();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 50 }, () => adapter('ReplayDetection').upsert(id, { jti: id }, 60)),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('remembers a proof whose lifetime no calendar holds', async () => {
      const id = newId();
      await adapter('ReplayDetection').upsert(id, { jti: id }, 1e300);
      await expect(adapter('ReplayDetection').upsert(id, { jti: id }, 1e300)).rejects.toThrow();
    });
  });

  describe('a unit of work', () => {
    test('writes once, when it is done, and reads what it has gathered', async () => {
      const [code, token, session, uid] = [newId(), newId(), newId(), newId()];
      await adapter('AuthorizationCode').upsert(code, { jti: code, grantId: 'g' }, 60);
      calls = [];
      await unitOfWork.run(async () => {
        await adapter('AuthorizationCode').consume(code);
        expect(await adapter('AuthorizationCode').find(code)).toMatchObject({
          consumed: epochSeconds(),
        });
        await adapter('AccessToken').upsert(token, { jti: token, grantId: 'g' }, 60);
        expect(await adapter('AccessToken').find(token)).toEqual({ jti: token, grantId: 'g' });
        await adapter('Session').upsert(session, { jti: session, uid }, 60);
        expect(await adapter('Session').findByUid(uid)).toEqual({ jti: session, uid });
        expect(calls).toEqual([{ operation: 'get', collection: 'authorization_code' }]);
        expect(await storage.get(oidcCollections.AccessToken, token)).toBeUndefined();
      });
      expect(calls.filter(({ operation }) => operation === 'commit')).toEqual([
        { operation: 'commit', collection: 'authorization_code,access_token,session' },
      ]);
      expect(await adapter('AccessToken').find(token)).toEqual({ jti: token, grantId: 'g' });
    });

    test('does not see what it has removed, one by one or by grant', async () => {
      const [token, other, session, uid] = [newId(), newId(), newId(), newId()];
      const grantId = newId();
      await adapter('AccessToken').upsert(token, { jti: token, grantId }, 60);
      await adapter('AccessToken').upsert(other, { jti: other, grantId: 'another' }, 60);
      await adapter('Session').upsert(session, { jti: session, uid }, 60);
      await unitOfWork.run(async () => {
        await adapter('AccessToken').revokeByGrantId(grantId);
        await adapter('Session').destroy(session);
        expect(await adapter('AccessToken').find(token)).toBeUndefined();
        expect(await adapter('AccessToken').find(other)).toBeDefined();
        expect(await adapter('Session').find(session)).toBeUndefined();
        expect(await adapter('Session').findByUid(uid)).toBeUndefined();
      });
      expect(await adapter('AccessToken').find(token)).toBeUndefined();
    });

    test('finds a session under its new id after login', async () => {
      const [old, current, uid] = [newId(), newId(), newId()];
      await adapter('Session').upsert(old, { jti: old, uid }, 60);
      await unitOfWork.run(async () => {
        await adapter('Session').destroy(old);
        await adapter('Session').upsert(current, { jti: current, uid, accountId: 'a' }, 60);
        expect(await adapter('Session').findByUid(uid)).toMatchObject({ jti: current });
      });
      expect(await adapter('Session').findByUid(uid)).toMatchObject({ jti: current });
    });

    test('keeps what was saved as it was when it was saved', async () => {
      const id = newId();
      await unitOfWork.run(async () => {
        const payload = { jti: id, authorizations: { client: { sid: 's' } } };
        await adapter('Session').upsert(id, payload, 60);
        payload.authorizations.client.sid = 'changed later';
        const found = await adapter('Session').find(id);
        expect(found).toEqual({ jti: id, authorizations: { client: { sid: 's' } } });
        Object.assign(found ?? {}, { authorizations: {} });
      });
      expect(await adapter('Session').find(id)).toEqual({
        jti: id,
        authorizations: { client: { sid: 's' } },
      });
    });

    test('of 30 parallel redemptions of a code one gets tokens, and the others leave none', async () => {
      const [code, grantId] = [newId(), newId()];
      await adapter('AuthorizationCode').upsert(code, { jti: code, grantId }, 60);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 30 }, (_, n) =>
          unitOfWork.run(async () => {
            await adapter('AuthorizationCode').consume(code);
            await adapter('AccessToken').upsert(`${code}-at${n}`, { grantId }, 60);
            await adapter('RefreshToken').upsert(`${code}-rt${n}`, { grantId }, 60);
          }),
        ),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') {
          expect(outcome.reason).toMatchObject({ error: 'invalid_grant' });
        }
      }
      expect(await storage.count(oidcCollections.AccessToken, 'grantId', grantId)).toBe(1);
      expect(await storage.count(oidcCollections.RefreshToken, 'grantId', grantId)).toBe(1);
    });

    test('of two parallel uses of a pushed request one gets a code', async () => {
      const [id, grantId] = [newId(), newId()];
      await adapter('PushedAuthorizationRequest').upsert(id, { jti: id, request: 'r' }, 60);
      const outcomes = await Promise.allSettled(
        [1, 2].map((n) =>
          unitOfWork.run(async () => {
            await adapter('PushedAuthorizationRequest').consume(id);
            await adapter('AuthorizationCode').upsert(`${id}-${n}`, { grantId }, 60);
          }),
        ),
      );
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { error: 'invalid_request_uri' },
      });
      expect(await storage.count(oidcCollections.AuthorizationCode, 'grantId', grantId)).toBe(1);
    });

    test('writes nothing where a proof was replayed', async () => {
      const [proof, token] = [newId(), newId()];
      await adapter('ReplayDetection').upsert(proof, { jti: proof }, 60);
      const replayed = unitOfWork.run(async () => {
        await adapter('ReplayDetection').upsert(proof, { jti: proof }, 60);
        await adapter('ClientCredentials').upsert(token, { jti: token }, 60);
      });
      await expect(replayed).rejects.toMatchObject({ error: 'invalid_client' });
      expect(await adapter('ClientCredentials').find(token)).toBeUndefined();
    });

    test('drops what it has gathered where its work fails', async () => {
      const id = newId();
      const failed = unitOfWork.run(async () => {
        await adapter('Grant').upsert(id, { jti: id }, 60);
        throw new Error('half-way');
      });
      await expect(failed).rejects.toThrow('half-way');
      expect(await adapter('Grant').find(id)).toBeUndefined();
    });

    test('after a refusal has revoked and remembered the proof, but consumed and issued nothing', async () => {
      const [code, token, proof, grantId] = [newId(), newId(), newId(), newId()];
      await adapter('AuthorizationCode').upsert(code, { jti: code }, 60);
      await adapter('AccessToken').upsert(token, { jti: token, grantId }, 60);
      await unitOfWork.run(async () => {
        await adapter('ReplayDetection').upsert(proof, { jti: proof }, 60);
        await adapter('AuthorizationCode').consume(code);
        await adapter('RefreshToken').upsert(token, { jti: token }, 60);
        await adapter('AccessToken').revokeByGrantId(grantId);
        await unitOfWork.commitRefusal();
      });
      expect(await adapter('AuthorizationCode').find(code)).not.toHaveProperty('consumed');
      expect(await adapter('RefreshToken').find(token)).toBeUndefined();
      expect(await adapter('AccessToken').find(token)).toBeUndefined();
      await expect(adapter('ReplayDetection').upsert(proof, { jti: proof }, 60)).rejects.toThrow();
    });

    test('after an attempt that failed has remembered the proof, and nothing else of it', async () => {
      const [grantId, token, proof] = [newId(), newId(), newId()];
      await adapter('AccessToken').upsert(token, { jti: token, grantId }, 60);
      await unitOfWork.run(async () => {
        const attempt = unitOfWork.attempt(async () => {
          await adapter('ReplayDetection').upsert(proof, { jti: proof }, 60);
          await adapter('AccessToken').revokeByGrantId(grantId);
          throw new Error('came second');
        });
        await expect(attempt).rejects.toThrow('came second');
        await unitOfWork.commitRefusal();
      });
      expect(await adapter('AccessToken').find(token)).toBeDefined();
      await expect(adapter('ReplayDetection').upsert(proof, { jti: proof }, 60)).rejects.toThrow();
    });

    test('after a refusal still has the session it had begun to replace', async () => {
      const [old, current, uid] = [newId(), newId(), newId()];
      await adapter('Session').upsert(old, { jti: old, uid }, 60);
      await unitOfWork.run(async () => {
        await adapter('Session').destroy(old);
        await adapter('Session').upsert(current, { jti: current, uid }, 60);
        await unitOfWork.commitRefusal();
      });
      expect(await adapter('Session').findByUid(uid)).toMatchObject({ jti: old });
    });

    test('does not share with another unit that runs at the same time', async () => {
      const [mine, theirs] = [newId(), newId()];
      const bothChecked = Promise.withResolvers<void>();
      let checked = 0;
      await Promise.all(
        [mine, theirs].map((id) =>
          unitOfWork.run(async () => {
            await adapter('Grant').upsert(id, { jti: id }, 60);
            await new Promise(setImmediate);
            expect(await adapter('Grant').find(id)).toBeDefined();
            expect(await adapter('Grant').find(id === mine ? theirs : mine)).toBeUndefined();
            checked += 1;
            if (checked === 2) bothChecked.resolve();
            await bothChecked.promise;
          }),
        ),
      );
      expect(await adapter('Grant').find(theirs)).toBeDefined();
    });
  });
}
