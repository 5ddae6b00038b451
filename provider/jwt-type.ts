/**
 * What kind of JWT a header says that it is of (RFC 7515 §4.1.9, RFC 8725 §3.11): in small letters, and
 * without the `application/` that senders may leave out; undefined where it says nothing, and `none`
 * where it is no text.
 */
export function jwtTypeOf({ typ }: { readonly typ?: unknown }): string | undefined {
  if (typ === undefined) return undefined;
  if (typeof typ !== 'string') return 'none';
  return typ.toLowerCase().replace(/^application\/(?=[^/]+$)/, '');
}
