import { z } from 'zod';
import {
  type ConnectorState,
  type CredentialField,
  InstitutionError,
} from '../../core/institution.js';

const cookies = z.record(z.string(), z.string());
const login = { userName: z.string(), password: z.string(), cookies };

/** What reading needs: the person's login, and the browser that the bank knows. */
const authorizationSchema = z.object(login);
export type Authorization = z.infer<typeof authorizationSchema>;

/** How far a visit has come; `wrong` counts the answers that the bank did not take. */
const attemptSchema = z.discriminatedUnion('stage', [
  z.object({ stage: z.literal('login'), wrong: z.int(), cookies }),
  z.object({ stage: z.literal('code'), wrong: z.int(), ...login }),
  /** The bank asked nothing more. */
  z.object({ stage: z.literal('in'), wrong: z.int(), ...login }),
]);
export type Attempt = z.infer<typeof attemptSchema>;

/** @throws {InstitutionError} `invalid_callback` for a state that this connector did not make. */
export function readAttempt(state: ConnectorState, bankName: string): Attempt {
  const parsed = attemptSchema.safeParse(state);
  if (parsed.success) return parsed.data;
  // Without the cause: it could quote what the person typed.
  throw new InstitutionError('invalid_callback', `This visit to ${bankName} cannot be continued.`);
}

/** @throws {InstitutionError} `authorization_lost` for a state that this connector did not make. */
export function readAuthorization(state: ConnectorState, bankName: string): Authorization {
  const parsed = authorizationSchema.safeParse(state);
  if (parsed.success) return parsed.data;
  throw authorizationLost(bankName);
}

/** The cookies of an attempt or an authorization, which both have. */
export function readCookies(state: ConnectorState): Authorization['cookies'] {
  return z.object({ cookies }).catch({ cookies: {} }).parse(state).cookies;
}

/** The bank no longer takes the login that was kept. */
export function authorizationLost(bankName: string): InstitutionError {
  return new InstitutionError(
    'authorization_lost',
    `${bankName} no longer takes the user name and password that we keep. Please enter them again.`,
  );
}

/** What the person types first. @param hint why they are asked, where it is not the first time. */
export function loginFields(hint?: string): readonly CredentialField[] {
  return [
    { name: 'user_name', label: 'User name', secret: false, autocomplete: 'username', hint },
    { name: 'password', label: 'Password', secret: true, autocomplete: 'current-password' },
  ];
}

/** What the person types where the bank sent them a code. */
export function codeFields(bankName: string, url: string): readonly CredentialField[] {
  return [
    {
      name: 'code',
      label: 'Code',
      hint: `${bankName} sent it to your phone. This bank is simulated: the phone is at ${url}/phone`,
      secret: false,
      autocomplete: 'one-time-code',
      inputMode: 'numeric',
    },
  ];
}
