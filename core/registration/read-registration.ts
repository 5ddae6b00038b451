import type { BrokenRule } from '../broken-rule.js';
import { type OperatedMetadata, readClientMetadata, topMember } from '../client-metadata.js';
import { isRegistrable, type RegistrationPolicy } from './registration-policy.js';
import { mergeStatement, type SoftwareStatement } from './software-statement.js';

/** Scopes by the role that a statement must give for them, such as `{ PISP: ['payments'] }`. */
export type ScopesByRole = Readonly<Record<string, readonly string[]>>;

/** What a registration is read by. */
export interface RegistrationTerms {
  readonly policy: RegistrationPolicy;
  readonly statement?: SoftwareStatement | undefined;
  readonly scopesByRole?: ScopesByRole | undefined;
}

/** A registration as it was sent, and what became of it. */
export interface ReadRegistration {
  readonly metadata: OperatedMetadata;
  /** Members that were sent and count for nothing (RFC 7591 §2: unknown ones are ignored). */
  readonly ignored: readonly string[];
  readonly rules: readonly BrokenRule[];
}

const mostReported = 50;
/** What every client may ask for, whatever its roles. */
const common: readonly string[] = ['openid', 'offline_access'];

/** Reads the metadata that a client sent of itself: only what it may set counts. */
export function readRegistration(
  sent: Readonly<Record<string, unknown>>,
  terms: RegistrationTerms,
): ReadRegistration {
  const { policy, statement } = terms;
  // RFC 7592 §2.2: null is as if it was not there.
  const given = Object.entries(sent).filter(([, value]) => value !== null && value !== '');
  const own = given.filter(([member]) => isRegistrable(member, policy));
  const ignored = given
    .map(([member]) => member)
    .filter((member) => !isRegistrable(member, policy))
    .filter((member) => !(member === 'software_statement' && statement));
  const { merged, overruled, rules } = statement
    ? mergeStatement(Object.fromEntries(own), statement)
    : { merged: Object.fromEntries(own), overruled: [], rules: [] };
  const read = readClientMetadata({
    profile: policy.profiles[0],
    ...merged,
    ...(statement && { software_statement: statement.text }),
  });
  const metadata = withScope(read.metadata, terms);
  const found = [...rules, ...findOverstepped(metadata, terms)];
  const named = new Set(read.rules.map(topMember));
  return {
    metadata,
    ignored: [...ignored, ...overruled].slice(0, mostReported).map((name) => name.slice(0, 100)),
    rules: [...read.rules, ...found.filter((rule) => !named.has(topMember(rule)))],
  };
}

/** Without a `scope` a client might ask for everything: then it is what it may register. */
function withScope(metadata: OperatedMetadata, terms: RegistrationTerms): OperatedMetadata {
  const { scopes } = terms.policy;
  if (metadata.scope !== undefined || !scopes) return metadata;
  return { ...metadata, scope: scopes.filter((word) => isInRole(word, terms)).join(' ') };
}

function findOverstepped(
  metadata: OperatedMetadata,
  terms: RegistrationTerms,
): readonly BrokenRule[] {
  const { profiles, tokenEndpointAuthMethods: methods, grantTypes } = terms.policy;
  return [
    ...notAmong('profile', [metadata.profile ?? ''], profiles),
    ...(methods
      ? notAmong('token_endpoint_auth_method', [metadata.token_endpoint_auth_method ?? ''], methods)
      : []),
    ...(grantTypes
      ? notAmong('grant_types', metadata.grant_types ?? ['authorization_code'], grantTypes)
      : []),
    ...findOversteppedScopes(metadata, terms),
    ...(terms.scopesByRole && metadata.scope === undefined
      ? [{ member: 'scope', rule: 'must be named: it depends on the roles of the statement' }]
      : []),
  ];
}

/** Those that nobody may have who registers like this, and then those of other roles. */
function findOversteppedScopes(
  metadata: OperatedMetadata,
  terms: RegistrationTerms,
): readonly BrokenRule[] {
  const words = metadata.scope?.split(' ').filter((word) => word !== '') ?? [];
  const { scopes: allowed = words } = terms.policy;
  const outside = words.filter((word) => !allowed.includes(word));
  const ofOthers = words.filter((word) => allowed.includes(word) && !isInRole(word, terms));
  const roles = new Set(ofOthers.flatMap((word) => rolesFor(word, terms)));
  return [
    ...mustNotContain(
      outside,
      `who registers here may have ${allowed.join(', ')}`,
      'RFC 7591 §3.2.1',
    ),
    ...mustNotContain(
      ofOthers,
      `the statement has none of the roles ${[...roles].join(', ')}`,
      'RFC 7591 §2.3',
    ),
  ];
}

function mustNotContain(
  words: readonly string[],
  why: string,
  clause: string,
): readonly BrokenRule[] {
  if (words.length === 0) return [];
  const rule = `must not contain ${words.join(', ').slice(0, 200)}: ${why.slice(0, 300)}`;
  return [{ member: 'scope', rule, clause }];
}

function notAmong(
  member: string,
  values: readonly string[],
  allowed: readonly string[],
): readonly BrokenRule[] {
  if (values.every((value) => allowed.includes(value))) return [];
  return [{ member, rule: `must be among ${allowed.join(', ')} for who registers here` }];
}

/** Whether no role is needed for a scope, or the statement gives one of those that allow it. */
function isInRole(scope: string, terms: RegistrationTerms): boolean {
  if (common.includes(scope)) return true;
  const roles = rolesFor(scope, terms);
  return roles.length === 0 || roles.some((role) => terms.statement?.roles.includes(role) === true);
}

/** The roles of which one is needed for a scope. */
function rolesFor(scope: string, { scopesByRole = {} }: RegistrationTerms): readonly string[] {
  return Object.keys(scopesByRole).filter((role) => scopesByRole[role]?.includes(scope));
}
