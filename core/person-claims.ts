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

const kinds = ['profile', 'email', 'address', 'phone'] as const;

/** What a person is asked to share, in their words. */
export interface SharedDetail {
  readonly title: string;
  readonly detail: readonly string[];
}

const details: Readonly<Record<keyof typeof personScopes, SharedDetail>> = {
  profile: {
    title: 'Who you are',
    detail: ['Your name', 'Your date of birth and gender', 'Your language and time zone'],
  },
  email: { title: 'Your email address', detail: ['The one that the bank has of you'] },
  address: { title: 'Your postal address', detail: ['The one that the bank has of you'] },
  phone: { title: 'Your phone number', detail: ['The one that the bank has of you'] },
};

/** The kinds of data that scopes and single claims ask for; none where it is only who signs in. */
export function describePersonalData(names: ReadonlySet<string>): readonly SharedDetail[] {
  return kinds
    .filter((kind) => names.has(kind) || personScopes[kind].some((claim) => names.has(claim)))
    .map((kind) => details[kind]);
}
