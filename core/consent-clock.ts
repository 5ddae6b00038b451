import { z } from 'zod';
import type { Consent } from './consent.js';
import { type JobKind, schedule } from './job.js';
import type { Write } from './storage.js';
import { reminderPeriod } from './validity.js';

const consentClock: JobKind<{ remindedAt?: string | undefined }> = {
  name: 'consent-clock',
  data: z.object({ remindedAt: z.iso.datetime().optional() }),
};

/**
 * The write that has a consent looked at when it is about to end: reminders, and then its expiry. It
 * belongs into every commit that gives a consent its end or moves it.
 */
export function watchConsent({ connectionId, expiresAt }: Consent): Write {
  return schedule(consentClock, connectionId, new Date(Date.parse(expiresAt) - reminderPeriod), {});
}
