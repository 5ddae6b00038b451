import { displayName } from '../display-name.js';
import type { Party } from '../party.js';
import { ownPath } from '../safe-url.js';

function initials(name: string): string {
  const words = displayName(name)
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
  const letters = words.slice(0, 2).map((word) => Array.from(word)[0] ?? '');
  return letters.join('').toUpperCase() || '?';
}

/** A party's logo from our own origin, or its initials; the name is always written beside it. */
export function LogoMark({ of, large = false }: { readonly of: Party; readonly large?: boolean }) {
  const src = ownPath(of.logoUrl);
  const size = large ? 'logo logo-large' : 'logo';
  if (src !== undefined) return <img class={size} src={src} alt="" width="48" height="48" />;
  return (
    <span class={size} aria-hidden="true">
      {initials(of.name)}
    </span>
  );
}
