import type {
  ConnectorState,
  InstitutionConnector,
  VisitStart,
} from '../../../core/institution.js';
import {
  createOpenBankingUkConnector,
  type OpenBankingUkConnectorDeps,
} from '../../../institutions/open-banking-uk/create-open-banking-uk-connector.js';
import type { CertificatePair } from '../../../sandbox/issue-certificate.js';
import type { ScriptedBank } from './scripted-bank.js';

export const redirectUri = 'https://id.example.com/bank/callback';
export const state = 'state-of-the-visit';

export const terms = {
  permissions: ['ReadAccountsBasic', 'ReadBalances'],
  expiresAt: new Date('2027-01-01T00:00:00Z'),
  transactionFrom: new Date('2025-01-01T00:00:00Z'),
};

/** A clock that a test moves. */
export function createMovableClock() {
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    advance(seconds: number) {
      ahead += seconds * 1000;
    },
  };
}

export function connectTo(
  bank: ScriptedBank,
  certificates: { readonly authority: CertificatePair; readonly client: CertificatePair },
  changes: Partial<OpenBankingUkConnectorDeps> = {},
): InstitutionConnector {
  return createOpenBankingUkConnector({
    bankName: 'Test Bank',
    issuer: bank.issuer,
    resourceUrl: bank.resourceUrl,
    clientId: 'assent',
    tokenEndpointAuthMethod: 'tls_client_auth',
    request: 'pushed',
    certificate: certificates.client.certificate,
    key: certificates.client.key,
    certificateAuthority: certificates.authority.certificate,
    timeoutSeconds: 20,
    clock: createMovableClock(),
    ...changes,
  });
}

/** The query of a callback that says yes, with what the test changes. */
export function callbackOf(bank: ScriptedBank, changes: Record<string, string> = {}) {
  return new URLSearchParams({ code: 'the-code', state, iss: bank.issuer, ...changes });
}

/** A visit from begin to complete, at which nothing goes wrong. */
export async function authorise(
  connector: InstitutionConnector,
  bank: ScriptedBank,
): Promise<ConnectorState> {
  const { attempt } = await connector.begin({ terms, state, redirectUri });
  const result = await connector.complete({ attempt, callback: callbackOf(bank), redirectUri });
  if (result.outcome !== 'authorised') throw new Error(result.reason);
  return result.authorization;
}

/** The start of a visit that leads to the bank's own page. */
export function toBank(start: VisitStart) {
  if ('ask' in start) throw new Error('this connector asks nothing itself');
  return start;
}
