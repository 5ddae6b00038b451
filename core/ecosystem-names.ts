/** The ecosystems whose rules a client can be held to besides its profile (`provider/profiles/ecosystems.ts`). */
export const ecosystemNames = ['connectid-au', 'consumer-data-right-au'] as const;

export type EcosystemName = (typeof ecosystemNames)[number];
