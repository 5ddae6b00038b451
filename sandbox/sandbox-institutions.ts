import type { ConfigurationInput } from '../config/schema.js';
import type { CertificateFiles } from './certificate-authority.js';
import { legacyBankName } from './legacy-bank/pages.js';
import type { SandboxUrls } from './ports.js';

type InstitutionInput = NonNullable<ConfigurationInput['institutions']>[number];

/** How Assent is known at the simulated bank: one client for each way of authenticating there. */
export interface BankAccess {
  /** Client id, authenticating by certificate. */
  readonly certificateClient: string;
  /** Client id, authenticating by signed assertion. */
  readonly assertionClient: string;
  /** Path of the private JWK that signs assertions. */
  readonly signingKey: string;
  readonly client: CertificateFiles;
  readonly authority: string;
}

/** The brand where demo people's logins are announced; they work at every brand of the bank. */
export const homeInstitutionId = '6d1f0c3b8e2a4957b0c4d98e7f5a2b61';

/** The bank without an API; demo people's logins work there too. */
export const legacyInstitutionId = 'c81d4e2e5a7f4b09a3e6d0f7b2c91a58';

/**
 * The banks a person can choose: brands of the one simulated bank, a bank without an API, and two banks
 * that fail on purpose.
 * Ids are fixed, so that what a developer writes down works on every installation.
 */
export function sandboxInstitutions(urls: SandboxUrls, access: BankAccess): InstitutionInput[] {
  const shared = { ...access.client, certificateAuthority: access.authority };
  const connector = (bank: string, resources: string) => ({
    ...shared,
    type: 'open-banking-uk' as const,
    issuer: `${bank}/oidc`,
    resourceUrl: `${resources}/open-banking/v3.1/aisp`,
    clientId: access.certificateClient,
  });
  const simulated = connector(urls.bank, urls.bankMtls);
  return [
    {
      id: homeInstitutionId,
      name: 'Northbank',
      kind: 'api',
      bankRef: 'northbank',
      userTypes: ['personal'],
      monthsInitialConsent: 24,
      connector: simulated,
    },
    {
      id: 'a2c95e70d1b84f3696e7c0f81b3d5a42',
      name: 'Northbank Business',
      kind: 'api',
      bankRef: 'northbank',
      userTypes: ['business'],
      monthsInitialConsent: 24,
      connector: {
        ...simulated,
        clientId: access.assertionClient,
        tokenEndpointAuthMethod: 'private_key_jwt',
        signingKey: access.signingKey,
      },
    },
    {
      id: legacyInstitutionId,
      name: legacyBankName,
      kind: 'legacy',
      bankRef: 'old-mill-bank',
      monthsInitialConsent: 24,
      connector: {
        type: 'simulated-legacy',
        url: urls.legacyBank,
        certificateAuthority: access.authority,
      },
    },
    {
      id: '3b7e19d4c05f4a8286a1f2e9d8c7b605',
      name: 'Test Bank',
      kind: 'test',
      bankRef: 'test-bank',
      connector: simulated,
    },
    {
      id: 'e80c4f6a91d24b73a5b6c7d8e9f01234',
      name: 'Test Bank that never answers',
      kind: 'test',
      bankRef: 'test-bank',
      connector: { ...connector(urls.slowBank, urls.slowBank), timeoutSeconds: 3 },
    },
    {
      id: '5f2d7a8c6b1e4093958a7b6c5d4e3f21',
      name: 'Test Bank that answers garbage',
      kind: 'test',
      bankRef: 'test-bank',
      connector: connector(urls.brokenBank, urls.brokenBank),
    },
  ];
}
