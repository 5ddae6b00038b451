import { accounts, transactions } from './account.js';
import { adminEvents } from './admin-history.js';
import { approvals } from './approval.js';
import { attempts } from './attempts.js';
import { authRequests } from './auth-request.js';
import { bankCalls } from './bank-budget.js';
import { bankVisits } from './bank-visit.js';
import { clientChanges } from './client-change.js';
import { clientLogos } from './client-logo.js';
import { clients } from './clients.js';
import { connections } from './connection.js';
import { consents } from './consent.js';
import { explanations } from './explanation.js';
import { intents } from './intent.js';
import { jobs } from './job.js';
import { journeys } from './journey.js';
import { polls } from './poll-pace.js';
import { initialAccessTokens } from './registration/initial-access-tokens.js';
import { registrationUses } from './registration/software-statement.js';
import { rememberedAnswers } from './remembered-answer.js';
import { requestObjects } from './request-object.js';
import { syncRequests } from './request-sync.js';
import { scimIdentities } from './scim-users.js';
import type { Collection } from './storage.js';
import { syncs } from './sync.js';
import { users } from './user.js';
import { deliveries, publishedEvents } from './webhook-delivery.js';

/** Every collection of the domain, for the store to make ready. */
export const domainCollections: readonly Collection<unknown>[] = [
  accounts,
  authRequests,
  approvals,
  attempts,
  bankCalls,
  bankVisits,
  clientChanges,
  adminEvents,
  clientLogos,
  clients,
  connections,
  consents,
  deliveries,
  explanations,
  initialAccessTokens,
  jobs,
  journeys,
  intents,
  polls,
  publishedEvents,
  registrationUses,
  rememberedAnswers,
  requestObjects,
  scimIdentities,
  syncRequests,
  syncs,
  transactions,
  users,
];
