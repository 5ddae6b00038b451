import { z } from 'zod';
import { detailTypeNames } from '../core/authorization-details/detail-types.js';
import { ecosystemNames } from '../core/ecosystem-names.js';
import { profileNames } from '../core/profile-names.js';
import { registrationPolicySchema } from '../core/registration/registration-policy.js';
import { destination } from './destination.js';

const seconds = (fallback: number, why: string) =>
  z.number().int().positive().default(fallback).describe(`${why} (seconds)`);

const httpsUrl = z.url({ protocol: /^https$/, error: 'expected an https URL' });

const origin = z
  .string()
  .refine((text) => text.startsWith('https:') && URL.parse(text)?.origin === text, {
    message: 'expected an https origin without path or trailing slash, e.g. https://id.example.com',
  })
  // The published identity-service client removes the first `/oidc` of the URL it is given, also
  // from `https://oidc…`, and then calls a host that does not exist.
  .refine((text) => !text.startsWith('https://oidc'), {
    message: 'expected a host name that does not start with "oidc"',
  });

const listener = (port: number) =>
  z.strictObject({
    host: z.string().min(1).default('127.0.0.1').describe('Address to listen on'),
    port: z.number().int().min(0).max(65535).default(port).describe('Port to listen on'),
  });

const file = z.string().min(1).describe('Path, relative to the configuration file');

const masterKeyValue = z.string().refine((text) => {
  const key = Buffer.from(text, 'base64');
  return key.length === 32 && key.toString('base64') === text;
}, 'expected 32 bytes in base64');

const openBankingUk = z.strictObject({
  type: z.literal('open-banking-uk').describe('UK Open Banking account information, v3.1'),
  issuer: httpsUrl.describe("The bank's issuer, for discovery"),
  resourceUrl: httpsUrl.describe('Base of the account information API, up to and including /aisp'),
  clientId: z.string().min(1).describe('The client that the bank registered for Assent'),
  tokenEndpointAuthMethod: z
    .enum(['private_key_jwt', 'tls_client_auth'])
    .default('tls_client_auth')
    .describe('How Assent authenticates at the bank'),
  signingKey: file.optional().describe('Private JWK for assertions and request objects'),
  certificate: file.describe('Client certificate, PEM'),
  key: file.describe('Key of the client certificate, PEM'),
  certificateAuthority: file
    .optional()
    .describe("PEM that the bank's server certificate chains to"),
  request: z
    .enum(['pushed', 'signed'])
    .default('pushed')
    .describe('PAR, or a signed request object'),
  timeoutSeconds: seconds(15, 'Longest wait for one answer of the bank'),
});

const simulatedLegacy = z.strictObject({
  type: z
    .literal('simulated-legacy')
    .describe(
      'A made-up bank without an API, for `kind` `legacy`; `serve` refuses to start with one, only the sandbox has it',
    ),
  url: httpsUrl.describe('Where its pages are'),
  certificateAuthority: file.optional().describe('PEM that its server certificate chains to'),
  timeoutSeconds: seconds(15, 'Longest wait for one of its pages'),
});

const institution = z.strictObject({
  id: z
    .string()
    .regex(/^[0-9a-z_-]{1,64}$/, 'expected 1 to 64 characters of 0-9, a-z, _ and -')
    .refine((id) => !['all', 'api', 'legacy', 'test'].includes(id), {
      message: 'expected another name: all, api, legacy and test name the choosers',
    })
    .describe('The `<bank>` of the scope `id:<bank>`; connections keep it for ever'),
  name: z.string().min(1).max(120).describe('What people see'),
  kind: z.enum(['api', 'legacy', 'test']).default('api').describe('Which chooser shows it'),
  country: z.string().length(2).default('GB').describe('ISO 3166-1 alpha-2'),
  bankRef: z
    .string()
    .min(1)
    .optional()
    .describe('Shared by the brands of one bank; the id by default'),
  isBeta: z.boolean().default(false).describe('Shown as new in the connection lists'),
  accountTypes: z
    .array(z.string())
    .default(['cash', 'card', 'savings'])
    .describe('What the connection lists say it shares'),
  userTypes: z
    .array(z.enum(['personal', 'business']))
    .default(['personal'])
    .describe('`personal`, `business` or both'),
  monthsInitialConsent: z
    .number()
    .int()
    .min(1)
    .max(72)
    .optional()
    .describe('How many months of history the bank shares at most'),
  unattendedCallsPerDay: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(4)
    .describe(
      'How often in 24 hours an account is fetched while the person is not there; banks refuse more',
    ),
  connector: z.discriminatedUnion('type', [openBankingUk, simulatedLegacy], {
    error: 'expected open-banking-uk',
  }),
});

/** A resource that the bank itself protects, with tokens from here (docs/resource.md). */
const resource = z.strictObject({
  identifier: z
    .url({ protocol: /^https$/, error: 'expected an https URL' })
    .refine((url) => !url.includes('#'), { error: 'expected a URL without a fragment' })
    .describe('What clients name as `resource`, and the audience of its tokens'),
  name: z.string().min(1).max(60).describe('What people see'),
  scopes: z
    .record(
      z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/, 'expected a scope of RFC 6749 §3.3'),
      z.string().min(1).max(140),
    )
    .describe('Its scopes, each with what it allows, as the consent page says it'),
});

/** Who vouches for clients by software statements (docs/registration.md). */
const registrationDirectory = z.strictObject({
  name: z
    .string()
    .regex(/^[0-9a-z_-]{1,64}$/, 'expected 1 to 64 characters of 0-9, a-z, _ and -')
    .describe('What the history of clients calls it; they keep it for ever'),
  issuer: z.string().min(1).max(2048).describe('The `iss` of its statements'),
  jwksUri: httpsUrl
    .optional()
    .describe('Where its keys are, fetched as every outgoing request and kept for ten minutes'),
  jwks: z
    .strictObject({
      keys: z.array(z.record(z.string(), z.json())).min(1).max(50).describe('As JWK'),
    })
    .optional()
    .describe('Its public keys, where they are not fetched'),
  statementAge: seconds(86_400, 'How old a statement may be, by its `iat`'),
  signedRequests: z
    .boolean()
    .default(false)
    .describe(
      'Take only requests that the client has signed, the statement inside (UK Open Banking DCR)',
    ),
  audience: z
    .string()
    .min(1)
    .optional()
    .describe(
      'What such requests may name as `aud` besides the issuer, e.g. your id in the directory',
    ),
  scopesByRole: z
    .record(z.string().min(1), z.array(z.string().min(1)))
    .optional()
    .describe("Scopes that need one of the statement's `software_roles`, by role"),
  certificate: z
    .strictObject({
      organisationId: z
        .string()
        .min(1)
        .optional()
        .describe('Attribute of the subject that is the `org_id`, e.g. `OU`'),
      softwareId: z
        .string()
        .min(1)
        .optional()
        .describe('Attribute of the subject that is the `software_id`, e.g. `CN`'),
    })
    .optional()
    .describe(
      'Where set, clients come with a certificate of a trusted authority that is theirs by these',
    ),
  policy: registrationPolicySchema.prefault({}),
});

/** What the provider can sign with. */
export const signingAlgorithms = ['ES256', 'PS256', 'RS256'] as const;

/** Every setting of Assent, its default, and one line of why. The one place that knows them. */
export const configurationSchema = z.strictObject({
  role: z
    .enum(['identity-service', 'bank'])
    .default('identity-service')
    .describe(
      'What this process is: the service that connects people to banks, or a bank itself, which a program has to give its ledger: see docs/embedding.md',
    ),
  publicUrl: origin.describe('Where browsers and clients reach it; the issuer is this plus /oidc'),
  mtlsUrl: origin.describe('Where clients with certificates reach it (mtls_endpoint_aliases)'),
  listen: z
    .strictObject({ browser: listener(3000).prefault({}), mtls: listener(3001).prefault({}) })
    .prefault({}),
  tls: z.strictObject({
    certificate: file.describe('Server certificate chain, PEM'),
    key: file.describe('Its key, PEM'),
    clientCertificateAuthorities: z
      .array(file)
      .default([])
      .describe('Authorities whose client certificates are trusted for tls_client_auth'),
    clientCertificateRevocationLists: z
      .array(file)
      .default([])
      .describe(
        'Their revocation lists (CRL, PEM), read again every minute as all of tls is; where one is given, each authority needs one that has not ended',
      ),
  }),
  storage: z
    .strictObject({
      url: z
        .string()
        .regex(/^(sqlite:.+|mongodb(\+srv)?:\/\/.+)$/, 'expected sqlite:PATH or mongodb://…')
        .default('sqlite:./data/assent.db')
        .describe('`sqlite:PATH` on one machine, `mongodb://…` on more'),
      masterKey: z
        .union([z.strictObject({ file }), z.strictObject({ value: masterKeyValue })], {
          error: 'expected { "file": PATH } or { "value": 32 bytes in base64 }',
        })
        .default({ file: './data/master.key' })
        .describe(
          'Wraps the keys that seal every record: 32 bytes, in a file that the first start makes, or given here in base64',
        ),
    })
    .prefault({}),
  lifetimes: z
    .strictObject({
      accessToken: seconds(7200, 'Access tokens'),
      backchannelRequest: seconds(
        300,
        'How long a person has to decide what a client asks without sending them here; a client may ask for less',
      ),
      // FAPI 2.0 SP §5.3.2.1-11.
      authorizationCode: z
        .number()
        .int()
        .min(1)
        .max(60)
        .default(60)
        .describe('Authorization codes of FAPI clients (seconds)'),
      identityServiceCode: seconds(600, 'Authorization codes of identity-service clients'),
      idToken: seconds(3600, 'ID tokens'),
      interaction: seconds(3600, 'How long a person may take from the first page to the last'),
      secretOverlap: seconds(
        7 * 86_400,
        'How long the secret before a rotated one is accepted, where the operator names no time',
      ),
      session: seconds(3600, 'The session behind one authorization'),
      oneTimeConsent: seconds(
        86_400,
        'One-time access, where the client names no end; in the bank role, how long a client is told who somebody is who agreed to no more',
      ),
      ongoingConsent: seconds(90 * 86_400, 'Ongoing access, where the client names no end'),
      openEndedIntent: z
        .number()
        .int()
        .min(0)
        .max(3650 * 86_400)
        .default(90 * 86_400)
        .describe(
          'Bank role: how long a yes to a consent that was registered without an end lasts (seconds); 0: until its customer or client ends it',
        ),
      revival: seconds(
        180 * 86_400,
        'How long after its end a consent can still be extended; as long its tokens are kept',
      ),
    })
    .prefault({}),
  synchronisation: z
    .strictObject({
      everyHours: z
        .number()
        .int()
        .min(0)
        .max(24)
        .default(4)
        .describe(
          'Hours between two automatic syncs of a connection, between 06:00 and 23:00 UTC (legacy: once a night); 0 for none',
        ),
    })
    .prefault({}),
  signing: z
    .strictObject({
      algorithms: z
        .array(z.enum(signingAlgorithms))
        .min(1)
        .default(['ES256', 'PS256'])
        .describe(
          'A key of each is made on first start and kept sealed in storage; RS256 is for clients of `identity-service` and `openid-connect`, and refused to those of FAPI. The first is what a new client gets that names none; those who are registered keep theirs',
        ),
      publishBefore: seconds(
        3600,
        'How long a new key is published before anything is signed with it; `/oidc/certs` may be cached for half as long',
      ),
      rotateEvery: z
        .number()
        .int()
        .min(0)
        .max(10 * 365 * 86_400)
        .default(90 * 86_400)
        .describe(
          'Age at which a key makes way for the next (seconds, at least publishBefore); 0: only by hand, see docs/keys.md',
        ),
      external: z
        .strictObject({
          module: file.describe(
            'An ES module that makes keys and signs with them elsewhere, such as in a KMS or HSM (docs/keys.md); path, relative to the configuration file',
          ),
          options: z
            .record(z.string(), z.json())
            .default({})
            .describe('What the module is told, such as where it signs'),
        })
        .optional(),
    })
    .prefault({}),
  features: z
    .strictObject({
      hybridFlow: z
        .boolean()
        .default(true)
        .describe('response_type `code id_token`, for clients whose profile allows it'),
      implicitFlow: z
        .boolean()
        .default(true)
        .describe(
          'response_type `id_token`, for clients whose profile allows it, where no connection is new',
        ),
      backchannelAuthentication: z
        .boolean()
        .default(true)
        .describe(
          'CIBA, for clients of profile `fapi-ciba`, in the bank role: customers decide at `/approvals`',
        ),
      authorizationDetails: z
        .array(z.enum(detailTypeNames))
        .default(['account_information'])
        .describe(
          'In the bank role: the types of RFC 9396 that clients may ask for; `payment_initiation` needs an API of yours that carries payments out (docs/authorization-details.md)',
        ),
      encryption: z
        .boolean()
        .default(true)
        .describe('Encrypted ID tokens and request objects, for clients that ask for them'),
      grantManagement: z
        .boolean()
        .default(true)
        .describe(
          'In the bank role: clients create, change, read and revoke grants by id (docs/grant-management.md)',
        ),
      introspection: z
        .boolean()
        .default(true)
        .describe(
          "RFC 7662, of a client's own tokens; a `resource_server` is told of the access tokens that are for it",
        ),
      registration: z
        .boolean()
        .default(false)
        .describe('Clients register themselves at `/oidc/reg` (docs/registration.md)'),
      revocation: z.boolean().default(true).describe("RFC 7009, of a client's own tokens"),
    })
    .prefault({}),
  registration: z
    .strictObject({
      directories: z
        .array(registrationDirectory)
        .max(50)
        .default([])
        .describe('Whose software statements are trusted'),
      anyone: registrationPolicySchema
        .optional()
        .describe(
          'What those may register who show neither a statement nor a token; without, nobody may',
        ),
      attempts: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(100)
        .describe(
          'Requests in a quarter of an hour of one client, or from one address (IPv6: one /64)',
        ),
    })
    .prefault({}),
  outgoing: z
    .strictObject({
      allow: z
        .array(destination)
        .default([])
        .describe(
          'Where requests to addresses that clients name (webhooks, `jwks_uri`) may go besides the public internet: hosts (`hooks.internal:8443`) and networks (`10.1.0.0/16`)',
        ),
      certificateAuthorities: z
        .array(file)
        .default([])
        .describe('Authorities (PEM) that such servers may chain to, besides those of Node.js'),
    })
    .prefault({}),
  profiles: z
    .array(z.enum(profileNames))
    .min(1)
    .optional()
    .describe(
      'The security profiles that clients may have (docs/profiles.md). Where none are named: all that suit the role, without `openid-connect`',
    ),
  ecosystems: z
    .array(z.enum(ecosystemNames))
    .default([])
    .describe(
      'In the bank role: the ecosystems whose rules clients may be held to besides their profile, by their member `ecosystem` (docs/profiles.md)',
    ),
  resources: z
    .array(resource)
    .max(50)
    .default([])
    .describe(
      'In the bank role: what tokens can be for besides the account information API (RFC 8707)',
    ),
  institutions: z.array(institution).default([]).describe('The banks people can connect'),
  logos: file
    .optional()
    .describe(
      'Folder with `banks/<bankRef>` and `clients/<client_id>` as `.svg` or `.png` of at most 256 KiB, read once at start; the pages show them, for a client instead of what its `logo_uri` gave',
    ),
  clients: z
    .array(z.looseObject({ client_id: z.string().min(1).max(255).describe('Unique') }))
    .default([])
    .describe('Clients written to storage at start (RFC 7591 metadata and profile)'),
  log: z
    .enum(['silent', 'error', 'warn', 'info', 'debug'])
    .default('info')
    .describe('The least level that is logged; no level logs a secret'),
});

/** The validated configuration; paths are absolute. */
export type Configuration = z.infer<typeof configurationSchema>;
/** The settings that are valid by themselves, while others may not be. */
export type ValidSettings = {
  readonly [Name in keyof Configuration]?: Configuration[Name] | undefined;
};
/** What an operator writes. */
export type ConfigurationInput = z.input<typeof configurationSchema>;
export type ResourceConfiguration = Configuration['resources'][number];
export type RegistrationDirectory = Configuration['registration']['directories'][number];
export type InstitutionConfiguration = Configuration['institutions'][number];
export type ConnectorConfiguration = InstitutionConfiguration['connector'];
