/**
 * What kind of JWT a header says that it is of (RFC 7515 §4.1.9, RFC 8725 §3.11): in small letters, and
 * without the `application/` that senders may leave out; undefined where it says nothing.
 */
export function jwtTypeOf({ typ }: { readonly typ?: unknown }): string | undefined {
  if (typ === undefined) return undefined;
  return String(typ)
    .toLowerCase()
    .replace(/^application\/(?=[^/]+$)/, '');
}
