import { z } from 'zod';
import type { BrokenRule } from './broken-rule.js';
import { publicKeySchema } from './public-key.js';
import { webhookEndpoints } from './webhook-endpoint.js';

const text = z.string().min(1).max(2048);
/** What people are shown: nothing in it may hide, turn around or look like nothing (SEC-13). */
export const shownText = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]*$/u, {
      error: 'must not contain control or invisible characters',
    });
const shownName = shownText(120);
const flag = z.boolean();
const seconds = z.number().int().min(1);
const list = <Entry extends z.ZodType>(entry: Entry, most = 100) => z.array(entry).max(most);
/** RFC 9110 §4.2: with a host, and nothing before it that could be taken for one (SEC-16). */
const isBareWebUri = (uri: string) =>
  !/^https?:/i.test(uri) || /^https?:\/\/[^/?#@\\]+(?:[/?#]|$)/i.test(uri);
const bare = { error: 'must name a host, without credentials' };
const webUri = z
  .url({ protocol: /^https?$/, error: 'must be a web URI' })
  .max(2048)
  .refine(isBareWebUri, bare)
  .describe('https, or http');
const httpsUri = z
  .url({ protocol: /^https$/, error: 'must be an https URI' })
  .max(2048)
  .refine(isBareWebUri, bare);
/** What a browser would take as a document or a program (SEC-15), however it is written. */
const unsafeSchemes = ['javascript:', 'data:', 'vbscript:', 'blob:', 'file:', 'about:'];
/** RFC 3986 §2: what else is in a URI, one reads in this way and another in that (SEC-16). */
const uriCharacters = /^[\w\-.~:/?#[\]@!$&'()*+,;=%]*$/;
/** `.` and `..` as part of a path, in every way of writing them. */
const dotSegment = /\/(?:\.|%2e){1,2}(?=[;/?#]|$)/i;

/** Apps may have schemes of their own; which ones, the client's kind and profile decide. */
const redirectUri = z
  .string()
  .max(2048)
  .refine((uri) => URL.canParse(uri), { error: 'must be an absolute URI', abort: true })
  .refine((uri) => !unsafeSchemes.includes(URL.parse(uri)?.protocol ?? ''), {
    error: 'must not use this scheme',
    abort: true,
  })
  .refine((uri) => uriCharacters.test(uri) && !dotSegment.test(uri), {
    error: 'must be written as RFC 3986 says, without . and .. in its path',
    abort: true,
  })
  .refine(isBareWebUri, { ...bare, abort: true })
  .refine((uri) => !URL.parse(uri)?.hostname.includes('*'), {
    error: 'must be one address: it is compared as it stands',
  });
const algorithm = z.string().min(1).max(40);
const jwks = z.strictObject({ keys: list(publicKeySchema, 50) });

/**
 * Everything an operator may say of a client: OpenID Connect and OAuth registration metadata, by their
 * own names, and Assent's own members. What each may be is decided by the profile and the library; the
 * order is that of exports and documentation.
 */
export const clientMetadataSchema = z
  .strictObject({
    profile: text.describe('The security profile it is held to; `fapi2-security` by default'),
    ecosystem: text.describe(
      "Whose rules it is held to besides; one of the installation's `ecosystems`, none by default",
    ),
    client_name: shownName.describe('What people see'),
    client_uri: webUri,
    logo_uri: webUri,
    policy_uri: webUri,
    tos_uri: webUri,
    contacts: list(z.email().max(254)),
    organisation_id: text.describe("The business that owns it, in the installation's own register"),
    organisation_name: shownName.describe('The business that owns it'),
    software_id: text,
    software_version: text,
    software_statement: z.string().min(1).max(16_384).describe('As it was registered with'),
    application_type: z.enum(['web', 'native']),

    redirect_uris: list(redirectUri),
    post_logout_redirect_uris: list(redirectUri),
    request_uris: list(httpsUri, 0).describe('Requests by reference are pushed (RFC 9126): none'),
    initiate_login_uri: httpsUri,
    response_types: list(text, 10),
    response_modes: list(text, 10),
    grant_types: list(text, 20),
    scope: z.string().max(8192).describe('What it may ask for; no limit where absent'),
    audience: list(httpsUri).describe(
      'The resources it may get tokens for (RFC 8707); of a `resource_server`, those that it is',
    ),
    authorization_details_types: list(text).describe('RFC 9396'),
    default_max_age: z.number().int().min(0),
    require_auth_time: flag,
    default_acr_values: list(text),
    subject_type: z.enum(['public', 'pairwise']),
    sector_identifier_uri: httpsUri,

    token_endpoint_auth_method: text,
    token_endpoint_auth_signing_alg: algorithm,
    jwks,
    jwks_uri: httpsUri,
    tls_client_auth_subject_dn: text,
    tls_client_auth_san_dns: text,
    tls_client_auth_san_uri: text,
    tls_client_auth_san_ip: text,
    tls_client_auth_san_email: text,
    use_mtls_endpoint_aliases: flag,
    tls_client_certificate_bound_access_tokens: flag.describe('RFC 8705'),
    dpop_bound_access_tokens: flag.describe('RFC 9449'),

    require_pushed_authorization_requests: flag,
    require_signed_request_object: flag,
    request_object_signing_alg: algorithm,
    request_object_encryption_alg: algorithm,
    request_object_encryption_enc: algorithm,
    unsigned_pushed_request_object: flag.describe(
      'Pushed request objects may be unsigned, as the published client sends them',
    ),
    id_token_signed_response_alg: algorithm,
    id_token_encrypted_response_alg: algorithm,
    id_token_encrypted_response_enc: algorithm,
    userinfo_signed_response_alg: algorithm,
    userinfo_encrypted_response_alg: algorithm,
    userinfo_encrypted_response_enc: algorithm,
    introspection_signed_response_alg: algorithm,
    introspection_encrypted_response_alg: algorithm,
    introspection_encrypted_response_enc: algorithm,
    authorization_signed_response_alg: algorithm,
    authorization_encrypted_response_alg: algorithm,
    authorization_encrypted_response_enc: algorithm,

    backchannel_logout_uri: httpsUri,
    backchannel_logout_session_required: flag,
    frontchannel_logout_uri: httpsUri,
    frontchannel_logout_session_required: flag,
    backchannel_token_delivery_mode: z.enum(['poll', 'ping', 'push']),
    backchannel_client_notification_endpoint: httpsUri,
    backchannel_authentication_request_signing_alg: algorithm,
    backchannel_user_code_parameter: flag,

    access_token_lifetime: seconds.describe(
      'Seconds; a longer one counts as what the installation allows',
    ),
    id_token_lifetime: seconds.describe(
      'Seconds; a longer one counts as what the installation allows',
    ),
    authorization_code_lifetime: seconds.describe(
      'Seconds; a longer one counts as what the profile allows',
    ),

    own_consent_screens: flag.describe(
      'It shows approved consent screens of its own, so ours is skipped',
    ),
    resource_server: flag.describe(
      "A resource, which may introspect every client's access tokens that are for it",
    ),
    webhooks: webhookEndpoints,
    set_by_operators: list(text).describe(
      'Of a client that registered itself: members that operators changed, and that it says no more',
    ),
  })
  .partial()
  .meta({ id: 'ClientMetadata' });

/** What an operator may say of a client. */
export type OperatedMetadata = Readonly<z.infer<typeof clientMetadataSchema>>;

/** The members of {@link OperatedMetadata}. */
export const metadataMembers: readonly string[] = Object.keys(clientMetadataSchema.shape);

/** Rules of form that are told of one client. */
const mostTold = 100;

/**
 * Metadata as it was sent, in the order of the schema, with the rules of form that it breaks; a member
 * that breaks one is left out, so that the others can be looked at further. A list of texts stays as it
 * is, for the sake of its other entries: with rules, nothing of it is ever stored.
 */
export function readClientMetadata(sent: unknown): {
  readonly metadata: OperatedMetadata;
  readonly rules: readonly BrokenRule[];
} {
  const { data, error } = clientMetadataSchema.safeParse(sent);
  if (data) return { metadata: data, rules: [] };
  const rules = error.issues.flatMap(toRules).slice(0, mostTold);
  const broken = new Set(error.issues.flatMap(membersOf));
  const rest = Object.entries(isObject(sent) ? sent : {}).filter(([name]) => !broken.has(name));
  const lists = Object.entries(isObject(sent) ? sent : {}).filter(
    ([name, value]) =>
      textList.safeParse(value).success &&
      error.issues.every(({ path }) => path[0] !== name || path.length > 1),
  );
  const metadata = clientMetadataSchema.parse(Object.fromEntries(rest));
  return { metadata: { ...metadata, ...Object.fromEntries(lists) }, rules };
}

const textList = z.array(z.string());

/** The metadata member that a rule is about. */
export function topMember({ member }: BrokenRule): string {
  return member.split('.')[0] ?? member;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The members of the metadata that an issue is about, by their names as they were sent. */
function membersOf(issue: z.core.$ZodIssue): readonly string[] {
  const [member] = issue.path;
  return member === undefined ? unknownKeys(issue) : [String(member)];
}

function unknownKeys(issue: z.core.$ZodIssue): readonly string[] {
  return issue.code === 'unrecognized_keys' ? issue.keys : [];
}

function toRules(issue: z.core.$ZodIssue): readonly BrokenRule[] {
  const { code, path, message } = issue;
  if (code === 'unrecognized_keys') {
    const rule = 'is no member that can be set here';
    return unknownKeys(issue).map((name) => ({
      member: [...path, tellable(name)].join('.'),
      rule,
    }));
  }
  return [{ member: path.join('.') || 'metadata', rule: message.replaceAll('"', "'") }];
}

/** A name that somebody chose, as an error may repeat it (RFC 6749 §5.2). */
function tellable(name: string): string {
  return name.slice(0, 100).replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?');
}
