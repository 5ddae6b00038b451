interface OffsetPage {
  readonly limit: number;
  readonly offset: number;
  /** Whether anything follows this page. */
  readonly more: boolean;
}

/** The `links` of one page of a list that is paged by offset. @param self the URL asked for. */
export function pageLinks(self: string, { limit, offset, more }: OffsetPage) {
  return {
    self,
    ...(more && { next: withQuery(self, { offset: String(offset + limit) }) }),
    ...(offset > 0 && { prev: withQuery(self, { offset: String(Math.max(0, offset - limit)) }) }),
  };
}

/** A URL with some of its query parameters set, or removed where undefined. */
export function withQuery(
  url: string,
  changes: Readonly<Record<string, string | undefined>>,
): string {
  const changed = new URL(url);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) changed.searchParams.delete(name);
    else changed.searchParams.set(name, value);
  }
  return changed.href;
}
