/** A short word about the thing beside it. */
export function Tag({ children }: { readonly children: string }) {
  return <span class="tag">{children}</span>;
}
