import { z } from 'zod';
import { metadataMembers } from '../client-metadata.js';
import { profileNames } from '../profile-names.js';

/**
 * What nobody says of themselves: it decides about others, about people, or is an operator's own
 * business. A policy may name some of them besides (SEC-47).
 */
export const privilegedMembers = [
  'audience',
  'ecosystem',
  'organisation_id',
  'organisation_name',
  'own_consent_screens',
  'resource_server',
  'unsigned_pushed_request_object',
  'webhooks',
  'access_token_lifetime',
  'id_token_lifetime',
  'authorization_code_lifetime',
] as const;

const words = z.array(z.string().min(1).max(200)).min(1).max(200);

/** What a directory or an initial access token lets a client say of itself. */
export const registrationPolicySchema = z.strictObject({
  profiles: z
    .array(z.enum(profileNames))
    .min(1)
    .default(['fapi2-security'])
    .describe('The profiles a client may choose; the first where it names none'),
  scopes: words
    .optional()
    .describe('The scopes it may register; all that there are where none are named'),
  tokenEndpointAuthMethods: words
    .optional()
    .describe('How it may authenticate; all that its profile allows where none are named'),
  grantTypes: words
    .optional()
    .describe('The grant types it may have; all that its profile allows where none are named'),
  members: z
    .array(z.enum(privilegedMembers))
    .default([])
    .describe('Members it may set that are otherwise for operators alone'),
});

/** See {@link registrationPolicySchema}. */
export type RegistrationPolicy = z.infer<typeof registrationPolicySchema>;

/** Whether a client may say this of itself. The statement is read by itself. */
export function isRegistrable(member: string, { members }: RegistrationPolicy): boolean {
  if (member === 'software_statement' || member === 'set_by_operators') return false;
  const isPrivileged = privilegedMembers.some((name) => name === member);
  return metadataMembers.includes(member) && (!isPrivileged || members.some((m) => m === member));
}
