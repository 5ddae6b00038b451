import type { ComponentChildren } from 'preact';
import { webHref } from '../safe-url.js';

export type ButtonLook = 'primary' | 'secondary' | 'quiet';

interface Look {
  readonly look?: ButtonLook;
  readonly children: ComponentChildren;
}

/** A submit button; `name` and `value` say which of several buttons was pressed. */
export function Button({
  look = 'primary',
  children,
  ...choice
}: Look & { readonly name?: string; readonly value?: string }) {
  return (
    <button type="submit" class={`button button-${look}`} {...choice}>
      <span>{children}</span>
    </button>
  );
}

/** A link that looks like a button; nothing where the target is not a web page. */
export function ButtonLink({ look = 'primary', href, children }: Look & { readonly href: string }) {
  const target = webHref(href);
  if (target === undefined) return null;
  return (
    <a class={`button button-${look}`} href={target}>
      <span>{children}</span>
    </a>
  );
}
