import type { Logger } from '../core/logger.js';
import type { SendWebhook } from '../core/webhooks.js';
import { type GuardedFetch, OutgoingFailure } from './guarded-fetch.js';

/** Posts webhooks through the guarded fetch. What there is no answer to is told by a reason. */
export function createWebhookSender(guardedFetch: GuardedFetch, logger: Logger): SendWebhook {
  return async function sendWebhook(url, { contentType, body }) {
    const began = performance.now();
    const milliseconds = () => Math.round(performance.now() - began);
    try {
      const { status } = await guardedFetch(url, {
        method: 'POST',
        headers: { 'content-type': contentType },
        body,
        statusOnly: true,
      });
      return { milliseconds: milliseconds(), status };
    } catch (error) {
      if (!(error instanceof OutgoingFailure)) throw error;
      const { reason, cause } = error;
      // The path may hold a secret of the client's.
      logger.info({ host: URL.parse(url)?.host, reason, cause }, 'webhook not answered');
      return { milliseconds: milliseconds(), failure: reason };
    }
  };
}
