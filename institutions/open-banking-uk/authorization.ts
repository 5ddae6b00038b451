import { z } from 'zod';
import { type ConnectorState, InstitutionError } from '../../core/institution.js';

/** What a visit needs when the person comes back. */
const attemptSchema = z.object({
  intentId: z.string(),
  /** The end of the intent, where it has one. */
  intentExpiresAt: z.string().optional(),
  permissions: z.array(z.string()),
  state: z.string(),
  nonce: z.string(),
  codeVerifier: z.string(),
});
export type Attempt = z.infer<typeof attemptSchema>;

/** What reading needs: the intent and the tokens that it gave. */
const authorizationSchema = z.object({
  intentId: z.string(),
  permissions: z.array(z.string()),
  accessToken: z.string(),
  /** ISO 8601 */
  accessTokenExpiresAt: z.iso.datetime(),
  refreshToken: z.string().optional(),
});
export type Authorization = z.infer<typeof authorizationSchema>;

/** @throws {InstitutionError} `invalid_callback` for a state that this connector did not make. */
export function readAttempt(state: ConnectorState, bankName: string): Attempt {
  const parsed = attemptSchema.safeParse(state);
  if (parsed.success) return parsed.data;
  throw new InstitutionError('invalid_callback', `This visit to ${bankName} cannot be continued.`, {
    cause: parsed.error,
  });
}

/** @throws {InstitutionError} `authorization_lost` for a state that this connector did not make. */
export function readAuthorization(state: ConnectorState, bankName: string): Authorization {
  const parsed = authorizationSchema.safeParse(state);
  if (parsed.success) return parsed.data;
  throw authorizationLost(bankName, parsed.error);
}

/** The intent of an attempt or an authorization, which both have. */
export function readIntentId(state: ConnectorState, bankName: string): string {
  const parsed = z.object({ intentId: z.string() }).safeParse(state);
  if (parsed.success) return parsed.data.intentId;
  throw authorizationLost(bankName, parsed.error);
}

/** The bank no longer lets us read: the person has to visit it again. */
export function authorizationLost(bankName: string, cause: unknown): InstitutionError {
  return new InstitutionError(
    'authorization_lost',
    `${bankName} no longer shares these accounts with us. Please connect it again.`,
    { cause },
  );
}
