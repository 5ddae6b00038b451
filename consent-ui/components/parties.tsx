import type { Party } from '../party.js';
import { Icon } from './icon.js';
import { LogoMark } from './logo-mark.js';

/** The logos of the two sides of a connection, side by side. */
export function Parties({ from, to }: { readonly from: Party; readonly to: Party }) {
  return (
    <div class="parties">
      <LogoMark of={from} large />
      <Icon name="exchange" />
      <LogoMark of={to} large />
    </div>
  );
}
