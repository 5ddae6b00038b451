import type { ComponentChildren } from 'preact';

/** A bounded group of related things, with a heading that names it. */
export function Card({
  heading,
  children,
}: {
  readonly heading?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <section class="card stack">
      {heading === undefined ? null : <h2>{heading}</h2>}
      {children}
    </section>
  );
}
