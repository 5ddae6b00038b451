import type { ComponentChildren } from 'preact';
import { webHref } from '../safe-url.js';

/** A link to a web page; just its text where the target is anything else. */
export function Link({
  href,
  look,
  children,
}: {
  readonly href: string;
  readonly look?: string;
  readonly children: ComponentChildren;
}) {
  const target = webHref(href);
  if (target === undefined) return <span class={look ?? ''}>{children}</span>;
  return (
    <a class={look ?? ''} href={target}>
      {children}
    </a>
  );
}
