import type { Party } from '../party.js';
import { Link } from './link.js';
import { Name } from './name.js';

/** Where a client says how it uses what it learns, and on what terms; nothing where it says neither. */
export function ClientTerms({ of }: { readonly of: Party }) {
  const { name, policyUrl, termsUrl } = of;
  if (policyUrl === undefined && termsUrl === undefined) return null;
  return (
    <p class="quiet">
      In the words of <Name of={name} />:{' '}
      {policyUrl === undefined ? null : <Link href={policyUrl}>its privacy policy</Link>}
      {policyUrl === undefined || termsUrl === undefined ? null : ' and '}
      {termsUrl === undefined ? null : <Link href={termsUrl}>its terms of service</Link>}
    </p>
  );
}
