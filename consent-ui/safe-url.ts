/**
 * The path of an image that our own origin serves, or undefined: a logo is never loaded from
 * elsewhere, which would tell a third party who is giving consent to whom.
 */
export function ownPath(url: string | undefined): string | undefined {
  // Browsers drop tabs and newlines from an address, so "/\t/host" would leave our origin.
  return url !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(url) ? url : undefined;
}

/** A link target that is a web page: our own path or http(s); undefined for `javascript:` and all else. */
export function webHref(href: string): string | undefined {
  if (ownPath(href) !== undefined) return href;
  const protocol = URL.parse(href)?.protocol;
  return protocol === 'https:' || protocol === 'http:' ? href : undefined;
}
