/** What a bank says of a customer to applications that sign them in (OpenID Connect Core §5.1). */
export interface PersonClaims {
  readonly name?: string;
  readonly given_name?: string;
  readonly family_name?: string;
  readonly middle_name?: string;
  readonly nickname?: string;
  readonly preferred_username?: string;
  readonly profile?: string;
  readonly picture?: string;
  readonly website?: string;
  readonly gender?: string;
  /** `YYYY-MM-DD` */
  readonly birthdate?: string;
  readonly zoneinfo?: string;
  readonly locale?: string;
  /** Seconds since the epoch. */
  readonly updated_at?: number;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly address?: Readonly<Record<string, string>>;
  readonly phone_number?: string;
  readonly phone_number_verified?: boolean;
}

/** The scopes of OpenID Connect Core §5.4, with the claims that each stands for. */
export const personScopes = {
  profile: [
    ...['name', 'given_name', 'family_name', 'middle_name', 'nickname', 'preferred_username'],
    ...['profile', 'picture', 'website', 'gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at'],
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
} as const;

/** Everything an application that signs people in may ask for. */
export const signOnScopes: readonly string[] = [
  'openid',
  'offline_access',
  ...Object.keys(personScopes),
];

/** What a person is asked to share, in their words. */
export interface SharedDetail {
  readonly title: string;
  readonly detail: readonly string[];
}

interface Kind {
  readonly title: string;
  /** The words for each of its claims; those of the same words are said once. */
  readonly claims: Readonly<Record<string, string>>;
}

const ofTheBank = 'The one that the bank has of you';

const kinds: Readonly<Record<keyof typeof personScopes, Kind>> = {
  profile: {
    title: 'Who you are',
    claims: {
      name: 'Your name',
      given_name: 'Your name',
      family_name: 'Your name',
      middle_name: 'Your name',
      nickname: 'Your name',
      preferred_username: 'The name that you sign in with',
      birthdate: 'Your date of birth',
      gender: 'Your gender',
      zoneinfo: 'Your language and time zone',
      locale: 'Your language and time zone',
      picture: 'Your picture and web pages',
      profile: 'Your picture and web pages',
      website: 'Your picture and web pages',
      updated_at: 'When this was last changed',
    },
  },
  email: {
    title: 'Your email address',
    claims: { email: ofTheBank, email_verified: 'Whether the bank has checked it' },
  },
  address: { title: 'Your postal address', claims: { address: ofTheBank } },
  phone: {
    title: 'Your phone number',
    claims: { phone_number: ofTheBank, phone_number_verified: 'Whether the bank has checked it' },
  },
};

/**
 * What scopes and single claims ask for, in words; nothing where it is only who signs in. A scope asks for
 * all of its kind.
 */
export function describePersonalData(asked: {
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
}): readonly SharedDetail[] {
  return Object.entries(kinds).flatMap(([scope, { title, claims }]) => {
    const lines = Object.entries(claims)
      .filter(([claim]) => asked.scopes.includes(scope) || asked.claims.includes(claim))
      .map(([, words]) => words);
    return lines.length === 0 ? [] : [{ title, detail: [...new Set(lines)] }];
  });
}
