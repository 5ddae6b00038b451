import Koa from 'koa';
import request from 'supertest';
import { createAnswerOnce } from '../../api/idempotency/answer-once.js';
import type { Write } from '../../core/storage.js';
import { insert } from '../../core/storage.js';
import { makeManagedUser, users } from '../../core/user.js';
import { startApi, type TestApi } from './support/start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

/** A request that a process took up, and is still doing, or will never be heard of again. */
test('a process that was given up for dead and comes back does nothing twice', async () => {
  const answerOnce = createAnswerOnce(api);
  const slow = Promise.withResolvers<void>();
  const application = new Koa<{ token: object }>();
  application.use(async (ctx) => {
    ctx.state.token = { clientId: 'app' };
    const perform = async (remember: (answer: string) => readonly Write[]) => {
      const { userId, ...user } = makeManagedUser('app', {}, api.clock.now());
      if (ctx.get('x-slow')) await slow.promise;
      await api.storage.commit([insert(users, userId, { userId, ...user }), ...remember(userId)]);
      return userId;
    };
    try {
      ctx.body = await answerOnce(ctx, {}, perform);
    } catch (error) {
      ctx.status = 409;
      ctx.body = error instanceof Error ? error.name : '';
    }
  });
  const server = application.callback();
  const send = (headers = {}) =>
    request(server)
      .post('/things')
      .set({ 'idempotency-key': 'key', ...headers });

  const first = send({ 'x-slow': 'yes' }).then((answer) => answer);
  while ((await send()).text !== 'ApiError') await new Promise(setImmediate);
  expect((await send()).headers['retry-after']).toBe('1');
  api.clock.advance(181);
  const second = await send();
  expect(second.status).toBe(200);
  slow.resolve();
  expect(await first).toMatchObject({ status: 409, text: 'StorageConflict' });
  expect((await send()).text).toBe(second.text);
  expect(await api.storage.count(users, 'client', 'app')).toBe(1);
});
