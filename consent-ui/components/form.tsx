import type { ComponentChildren } from 'preact';
import type { PostTarget } from '../party.js';

/** A form that changes something: always POST, always with the CSRF token. */
export function Form({
  action,
  csrf,
  tokenName = 'csrf',
  children,
}: PostTarget & { readonly tokenName?: string; readonly children: ComponentChildren }) {
  return (
    <form method="post" action={action} class="stack">
      <input type="hidden" name={tokenName} value={csrf} />
      {children}
    </form>
  );
}
