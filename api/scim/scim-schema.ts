import { z } from 'zod';
import type { ScimUser } from '../../core/scim-users.js';
import type { ScimMembers } from '../../core/user.js';
import { timestamp } from '../envelope.js';

/** RFC 7643 §8.7.1, RFC 7644 §3.4. */
const userSchemaUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
const listSchemaUrn = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
/** The hosted service's extension (identity-service.md §1.8). */
const subtenantUrn = 'urn:ietf:params:scim:schemas:extension:moneyhub:2.0:Subtenant';

const text = z.string().min(1).max(255);
const schemas = z.array(z.string().max(255)).max(10);
const name = z.object({ familyName: text, givenName: text });
const emails = z.array(z.object({ value: z.email().max(320) }));
const subtenant = z.object({ name: text, providerId: text });

/** The body of `POST /scim/users`; other members are ignored. */
export const newScimUserSchema = z.object({
  schemas: schemas.optional(),
  externalId: text,
  name: name.optional(),
  emails: emails.max(10).optional(),
  [subtenantUrn]: subtenant.optional(),
});

/** A SCIM user as the identity service answers it. */
export const scimUserSchema = z
  .object({
    schemas: z.array(z.string()),
    id: z.string().regex(/^[0-9a-f]{24}$/),
    externalId: z.string(),
    name: name.optional(),
    emails: emails.optional(),
    [subtenantUrn]: subtenant.optional(),
    meta: z.object({ resourceType: z.literal('User'), created: timestamp }),
  })
  .meta({ id: 'ScimUser' });

/** `externalId eq "…"` or `id eq "…"`: RFC 7644 §3.4.2.2, as far as these resources can be searched. */
const filter = z
  .string()
  .max(600)
  .transform((expression, context) => {
    const [, attribute, value] = /^(externalId|id) eq ("(?:[^"\\]|\\.)*")$/i.exec(expression) ?? [];
    const wanted = value === undefined ? undefined : parseString(value);
    if (attribute === undefined || wanted === undefined) {
      context.addIssue('must be externalId eq "…" or id eq "…"');
      return z.NEVER;
    }
    const isId = attribute.toLowerCase() === 'id';
    return { attribute: isId ? ('id' as const) : ('externalId' as const), value: wanted };
  });

/** The body of `POST /scim/users/search`: RFC 7644 §3.4.3. */
export const scimSearchSchema = z.object({
  schemas: schemas.optional(),
  filter: filter.optional(),
  // RFC 7644 §3.4.2.4: less than 1 means 1, less than 0 means 0.
  startIndex: z
    .int()
    .max(100_000)
    .default(1)
    .transform((given) => Math.max(given, 1)),
  count: z
    .int()
    .max(1000)
    .default(100)
    .transform((given) => Math.max(given, 0)),
});

export const scimListSchema = z.object({
  schemas: z.array(z.string()),
  totalResults: z.int(),
  startIndex: z.int(),
  itemsPerPage: z.int(),
  Resources: z.array(scimUserSchema),
});

/** What the client said of the person. */
export function readScimMembers(body: z.output<typeof newScimUserSchema>): ScimMembers {
  const { externalId, name, emails, [subtenantUrn]: subtenant } = body;
  return { externalId, name, emails, subtenant };
}

/** @returns the user in the form of {@link scimUserSchema}. */
export function describeScimUser({ userId, createdAt, scim }: ScimUser) {
  const { externalId, name, emails, subtenant } = scim;
  return {
    schemas: [userSchemaUrn, ...(subtenant ? [subtenantUrn] : [])],
    id: userId,
    externalId,
    ...(name && { name }),
    ...(emails && { emails: [...emails] }),
    ...(subtenant && { [subtenantUrn]: subtenant }),
    meta: { resourceType: 'User', created: createdAt },
  } satisfies z.input<typeof scimUserSchema>;
}

/** One page of users as RFC 7644 §3.4.2 lists them. */
export function describeScimList(
  users: readonly ScimUser[],
  { total, startIndex }: { readonly total: number; readonly startIndex: number },
) {
  return {
    schemas: [listSchemaUrn],
    totalResults: total,
    startIndex,
    itemsPerPage: users.length,
    Resources: users.map(describeScimUser),
  } satisfies z.input<typeof scimListSchema>;
}

function parseString(quoted: string): string | undefined {
  try {
    return z.string().parse(JSON.parse(quoted));
  } catch {
    return undefined;
  }
}
