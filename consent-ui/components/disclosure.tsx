import type { ComponentChildren } from 'preact';
import { Icon } from './icon.js';

/** A line that opens to show more, without a script. */
export function Disclosure({
  summary,
  open = false,
  children,
}: {
  readonly summary: ComponentChildren;
  readonly open?: boolean;
  readonly children: ComponentChildren;
}) {
  return (
    <details class="disclosure" open={open}>
      <summary>
        <span>{summary}</span>
        <Icon name="chevron" />
      </summary>
      <div class="disclosure-body">{children}</div>
    </details>
  );
}
