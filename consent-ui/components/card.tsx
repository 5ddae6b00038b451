import type { ComponentChildren } from 'preact';

/** A bounded group of related things, with a heading that names it. */
export function Card({
  heading,
  mark,
  children,
}: {
  readonly heading?: ComponentChildren;
  /** What stands before the heading, such as a logo. */
  readonly mark?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <section class="card stack">
      {heading === undefined ? null : (
        <h2 class={mark ? 'with-mark' : undefined}>
          {mark} {heading}
        </h2>
      )}
      {children}
    </section>
  );
}
