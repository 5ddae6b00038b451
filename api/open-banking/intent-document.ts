import { z } from 'zod';
import {
  type Intent,
  type IntentTerms,
  isPermissionCode,
  type TermsFault,
} from '../../core/intent.js';
import { ObieError, type ObieErrorDetail } from './obie-error.js';

/** ISO 8601 with an offset, as every `ISODateTime` in a v3.1 body. Kept in UTC. */
const isoDateTime = z.iso
  .datetime({ offset: true, message: 'expected an ISO 8601 date-time with an offset' })
  .refine((text) => !Number.isNaN(Date.parse(text)), { message: 'no such date' })
  .transform((text) => new Date(text).toISOString());

/** `OBReadConsent1`; members the standard does not know are refused, as its schema says. */
const requestSchema = z.strictObject({
  Data: z.strictObject({
    Permissions: z
      .array(z.string().refine(isPermissionCode, { message: 'not a permission of this bank' }), {
        error: 'expected a list of permission codes',
      })
      .max(100),
    ExpirationDateTime: isoDateTime.optional(),
    TransactionFromDateTime: isoDateTime.optional(),
    TransactionToDateTime: isoDateTime.optional(),
  }),
  // Empty for account information: there is nothing about risk to say.
  Risk: z.strictObject({}),
});

const dateMembers: readonly string[] = [
  'ExpirationDateTime',
  'TransactionFromDateTime',
  'TransactionToDateTime',
];

/**
 * The terms of an `OBReadConsent1`.
 * @throws {ObieError} 400 naming every member at fault.
 */
export function parseIntentTerms(body: unknown): IntentTerms {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) throw new ObieError(400, parsed.error.issues.slice(0, 10).map(toDetail));
  const { Data } = parsed.data;
  return {
    permissions: [...new Set(Data.Permissions)].filter(isPermissionCode),
    expiresAt: Data.ExpirationDateTime,
    transactionFrom: Data.TransactionFromDateTime,
    transactionTo: Data.TransactionToDateTime,
  };
}

function toDetail(issue: z.core.$ZodIssue): ObieErrorDetail {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return { code: 'UK.OBIE.Field.Unexpected', message: 'Unknown member', path: path || 'Body' };
  }
  const isMissing = issue.code === 'invalid_type' && issue.input === undefined;
  if (isMissing)
    return { code: 'UK.OBIE.Field.Missing', message: 'Required', path: path || 'Body' };
  const isDate = dateMembers.includes(String(issue.path.at(-1)));
  return {
    code: isDate ? 'UK.OBIE.Field.InvalidDate' : 'UK.OBIE.Field.Invalid',
    message: issue.message,
    path: path || 'Body',
  };
}

const memberNames = {
  permissions: 'Data.Permissions',
  expiresAt: 'Data.ExpirationDateTime',
  transactionFrom: 'Data.TransactionFromDateTime',
  transactionTo: 'Data.TransactionToDateTime',
} as const;

/** The answer to terms that break a rule of the standard. */
export function toTermsError({ member, kind, message }: TermsFault): ObieError {
  return new ObieError(400, {
    code: kind === 'date' ? 'UK.OBIE.Field.InvalidDate' : 'UK.OBIE.Field.Invalid',
    message,
    path: memberNames[member],
  });
}

/** `OBReadConsentResponse1`. @param self the intent's own URL. */
export function describeIntent(intent: Intent, self: string) {
  return {
    Data: {
      ConsentId: intent.id,
      Status: intent.status,
      CreationDateTime: intent.createdAt,
      StatusUpdateDateTime: intent.statusUpdatedAt,
      Permissions: intent.permissions,
      ...(intent.expiresAt && { ExpirationDateTime: intent.expiresAt }),
      ...(intent.transactionFrom && { TransactionFromDateTime: intent.transactionFrom }),
      ...(intent.transactionTo && { TransactionToDateTime: intent.transactionTo }),
    },
    Risk: {},
    Links: { Self: self },
    Meta: { TotalPages: 1 },
  };
}
