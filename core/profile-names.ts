/** The security profiles a client can be held to (`provider/profiles/profiles.ts`). */
export const profileNames = [
  'fapi2-security',
  'fapi2-message-signing',
  'fapi1-advanced',
  'fapi-ciba',
  'identity-service',
  'openid-connect',
] as const;

export type ProfileName = (typeof profileNames)[number];
