import { displayName } from '../display-name.js';

/** A short word about the thing beside it. */
export function Tag({ children }: { readonly children: string }) {
  return <span class="tag">{displayName(children, 24)}</span>;
}
