import type { ComponentChildren } from 'preact';
import { Button } from './button.js';

/** The end of a form that asks for something: `decision` = `allow` or `refuse`, in these words. */
export function DecisionButtons({
  allow = 'Allow',
  refuse = 'Refuse',
}: {
  readonly allow?: ComponentChildren;
  readonly refuse?: ComponentChildren;
}) {
  return (
    <div class="actions">
      <Button name="decision" value="allow">
        {allow}
      </Button>
      <Button name="decision" value="refuse" look="secondary">
        {refuse}
      </Button>
    </div>
  );
}
