import type { Logger } from '../core/logger.js';
import type { SendPing } from '../core/ping-client.js';
import { type GuardedFetch, OutgoingFailure } from './guarded-fetch.js';

/** Posts pings through the guarded fetch: to no private address, and no further than it is told. */
export function createPingSender(guardedFetch: GuardedFetch, logger: Logger): SendPing {
  return async function sendPing(endpoint, { authReqId, notificationToken }) {
    try {
      const { status } = await guardedFetch(endpoint, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${notificationToken}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ auth_req_id: authReqId }),
        statusOnly: true,
      });
      return status;
    } catch (error) {
      if (!(error instanceof OutgoingFailure)) throw error;
      const { reason, cause } = error;
      // The path may hold a secret of the client's.
      logger.info({ host: URL.parse(endpoint)?.host, reason, cause }, 'ping not answered');
      return undefined;
    }
  };
}
