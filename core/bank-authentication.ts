/** How the bank's customers prove who they are, as tokens say it. */
export const bankAuthentication = {
  /** UK Open Banking: the customer was authenticated, by a password alone. */
  acr: 'urn:openbanking:psd2:ca',
  amr: ['pwd'],
} as const;

/** With something they have besides (PSD2 art. 4(30), strong customer authentication). */
export const strongAuthentication = {
  acr: 'urn:openbanking:psd2:sca',
  amr: ['pwd', 'otp', 'mfa'],
} as const;

/** Authentication contexts that this bank offers, the weakest first. */
export type AuthenticationContext = typeof bankAuthentication.acr | typeof strongAuthentication.acr;

export const authenticationContexts: readonly AuthenticationContext[] = [
  bankAuthentication.acr,
  strongAuthentication.acr,
];

/** An authentication that happened. */
export interface Authentication {
  readonly acr: AuthenticationContext;
  /** RFC 8176 */
  readonly amr: readonly string[];
  /** ISO 8601 */
  readonly at: string;
}
