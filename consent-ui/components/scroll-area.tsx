import type { ComponentChildren } from 'preact';

/** A part of the page that scrolls on its own: named, and reachable by keyboard (WCAG 2.1.1). */
export function ScrollArea({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without a tab stop no key could scroll it
    <section class="scroll-area" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
