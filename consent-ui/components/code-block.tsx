import { showInvisible } from '../display-name.js';
import { ScrollArea } from './scroll-area.js';

/** Text as a machine sends it, under a label that says what it is. */
export function CodeBlock({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <div class="code">
      <p class="code-label">{label}</p>
      <ScrollArea label={label}>
        <pre>
          <code>{showInvisible(text)}</code>
        </pre>
      </ScrollArea>
    </div>
  );
}

/** A value as indented JSON. */
export function JsonBlock({ label, value }: { readonly label: string; readonly value: unknown }) {
  return <CodeBlock label={label} text={JSON.stringify(value, null, 2) ?? 'null'} />;
}
