import type { ComponentChildren } from 'preact';
import { Icon } from './icon.js';

const words = { info: 'Note', warning: 'Important', error: 'Problem', success: 'Done' } as const;

export type NoticeKind = keyof typeof words;

/** Something to know before going on; its kind is said by a word and a shape as well as a colour. */
export function Notice({
  kind,
  children,
}: {
  readonly kind: NoticeKind;
  readonly children: ComponentChildren;
}) {
  return (
    <div class={`notice notice-${kind}`}>
      <Icon name={kind} />
      <div>
        <strong class="notice-word">{words[kind]}</strong>
        <p>{children}</p>
      </div>
    </div>
  );
}
