/** How the bank's customers prove who they are, as tokens say it. */
export const bankAuthentication = {
  /** UK Open Banking: the customer was authenticated, by a password alone. */
  acr: 'urn:openbanking:psd2:ca',
  amr: ['pwd'],
} as const;
