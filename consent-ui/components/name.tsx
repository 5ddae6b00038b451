import { displayName } from '../display-name.js';

/** A name from outside, cleaned and isolated from the writing direction of the words around it. */
export function Name({ of, maxLength }: { readonly of: string; readonly maxLength?: number }) {
  return <bdi>{displayName(of, maxLength)}</bdi>;
}
