import type { PersonClaims } from '../../core/person-claims.js';
import type { DemoCustomer } from './demo-people.js';

/** When the made-up details were last looked after: 1 March 2026. */
const updatedAt = 1_772_323_200;

/** What the simulated bank has of a demo person: every claim of OpenID Connect, all of it made up. */
export function describeCustomer({ name, login, phone }: DemoCustomer): PersonClaims {
  const [given = name, ...rest] = name.split(' ');
  const family = rest.at(-1) ?? '';
  return {
    name,
    given_name: given,
    family_name: family,
    middle_name: 'Robin',
    nickname: given,
    preferred_username: login,
    profile: `https://people.example/${login}`,
    picture: `https://people.example/${login}.png`,
    website: `https://${login}.example`,
    gender: 'not stated',
    birthdate: '1988-04-17',
    zoneinfo: 'Europe/London',
    locale: 'en-GB',
    updated_at: updatedAt,
    email: `${login}@people.example`,
    email_verified: true,
    address: {
      formatted: '7 Harbour Row\nBristol\nBS1 4ZZ\nUnited Kingdom',
      street_address: '7 Harbour Row',
      locality: 'Bristol',
      region: 'Bristol',
      postal_code: 'BS1 4ZZ',
      country: 'GB',
    },
    // Without a phone of their own, the switchboard of numbers that Ofcom keeps for drama.
    phone_number: `+44${(phone ?? '07700 900000').replaceAll(' ', '').slice(1)}`,
    phone_number_verified: phone !== undefined,
  };
}
