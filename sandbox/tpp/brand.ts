/** The application's own look: not Assent's, and no bank's. */
export const brand = { name: 'Ledgerlight', accent: 'plum' } as const;
