import { setTimeout as wait } from 'node:timers/promises';
import { createIdentityServices } from '../../../composition/identity-services.js';
import type { ClientMetadata } from '../../../core/clients.js';
import type { CheckedRequest, Connect } from '../../../core/connect.js';
import type { InstitutionDirectory } from '../../../core/institution.js';
import {
  type ConnectorState,
  type CredentialField,
  InstitutionError,
  type VisitOutcome,
} from '../../../core/institution.js';
import { put } from '../../../core/storage.js';
import { grants, type TestApi, usual } from '../../api/support/start-api.js';

export const client = { client_id: 'app', own_consent_screens: true };

const signIn: readonly CredentialField[] = [
  { name: 'user_name', label: 'User name', secret: false, autocomplete: 'username' },
];

/** Visits to banks that end as a test says, and name themselves in what they are asked to withdraw. */
export function createTestConnect({ storage, clock, bank, log }: TestApi) {
  const begun: string[] = [];
  const renewed: (ConnectorState | undefined)[] = [];
  const withdrawn: string[] = [];
  let outcome: () => Promise<VisitOutcome> = async () => ({
    outcome: 'authorised',
    authorization: { refreshToken: 'of the visit' },
  });
  const directory: InstitutionDirectory = {
    ...bank.directory,
    connector: (id) => ({
      ...bank.directory.connector(id),
      async begin({ state, renews }) {
        begun.push(id);
        renewed.push(renews?.authorization);
        const attempt = { visit: begun.length, state };
        if (bank.directory.find(id)?.kind === 'legacy') return { ask: signIn, attempt };
        return { redirectTo: `https://${id}.example/`, attempt };
      },
      complete: () => outcome(),
      answer: async ({ attempt }) => ({ outcome: 'asked', attempt, ask: signIn, problem: 'Wrong' }),
      async revoke({ visit, refreshToken }) {
        withdrawn.push(`${id} ${visit ?? refreshToken}`);
      },
    }),
  };
  const logger = {
    info: () => {},
    warn: (fields: object, message: string) => void log.push({ level: 'warn', fields, message }),
    error: () => {},
  };
  const { connect } = createIdentityServices({
    ...{ ...usual, storage, clock, directory, logger },
    extendGrant: async (id, end) => [put(grants, id, { of: end.toISOString() })],
    revokeGrant: () => [],
  });

  return {
    connect,
    begun,
    renewed,
    /** How the next visits end. */
    answer(next: VisitOutcome | InstitutionError) {
      outcome = async () => {
        if (next instanceof InstitutionError) throw next;
        return next;
      };
    },
    /** What is withdrawn is withdrawn behind the person's back. */
    async expectWithdrawn(...expected: readonly string[]) {
      for (let tries = 0; withdrawn.length < expected.length && tries < 1500; tries++)
        await wait(10);
      expect(withdrawn).toEqual(expected);
    },
    open: (uid: string, request: CheckedRequest, by: ClientMetadata = client) =>
      connect.open(uid, request, by, new Date(clock.now() + 3_600_000)),
  };
}

/** The person comes back, and what the visit gave is committed. @returns the consent. */
export async function arriveAndKeep(
  { storage }: TestApi,
  connect: Connect,
  journey: Parameters<Connect['arrive']>[0],
) {
  const arrival = await connect.arrive(journey, new URLSearchParams());
  if (arrival.outcome === 'refused') {
    await storage.commit(arrival.writes);
    return arrival;
  }
  let kept: string | undefined;
  await arrival.keep(async ({ consent, writes }) => {
    await storage.commit(writes);
    kept = consent.userId;
  });
  return { outcome: arrival.outcome, userId: kept };
}
