import { authRequests } from '../../../core/auth-request.js';
import { clients } from '../../../core/clients.js';
import { startApi, store, type TestApi } from './start-api.js';

export const redirectUri = 'https://app.example.com/callback';

/** What clients of auth requests do, at an API that knows three of them. */
export type AuthRequestClient = Awaited<ReturnType<typeof startAuthRequests>>;

/** The REST API with clients of auth requests: `app`, `hosted` and `narrow`. */
export async function startAuthRequests() {
  const api: TestApi = await startApi();
  const own = { client_id: 'app', own_consent_screens: true };
  await store(
    api.storage,
    clients,
    ['app', { ...own, redirect_uris: [redirectUri, 'https://app.example.com/other?from=bank'] }],
    ['hosted', { client_id: 'hosted', redirect_uris: [redirectUri] }],
    ['narrow', { ...own, client_id: 'narrow', scope: 'openid id:demo-bank' }],
  );
  const writer = (clientId = 'app') => api.issue('auth_requests:write', { clientId });

  async function newUser(clientId = 'app'): Promise<string> {
    const { body } = await api.call('post', '/users', api.issue('user:create', { clientId }), {});
    return body.userId;
  }

  /** Asked for without waiting for the first data, unless the test says so. */
  function create(body: object, { token = writer(), headers = {} } = {}) {
    const asked = { scope: 'openid id:north-bank', sync: { enableAsync: true }, ...body };
    return api.call('post', '/auth-requests', token, asked, headers);
  }

  return {
    api,
    /** ISO 8601, in so many milliseconds. */
    later: (time: number) => new Date(api.clock.now() + time).toISOString(),
    writer,
    reader: (clientId = 'app') => api.issue('auth_requests:read', { clientId }),
    newUser,
    create,
    async started(body: object = {}) {
      const { data } = (await create({ userId: await newUser(), ...body })).body;
      return { id: String(data.id), state: String(data.redirectParams.state), data };
    },
    complete(id: string, authParams: object, { token = writer(), headers = {} } = {}) {
      return api.call('patch', `/auth-requests/${id}`, token, { authParams }, headers);
    },
    stored: async (id: string) => (await api.storage.get(authRequests, id))?.value,
  };
}

/** The body of a refusal. */
export const refusal = (code: string, message: string) => ({
  code,
  message,
  correlationId: expect.any(String),
});
