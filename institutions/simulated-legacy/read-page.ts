/** One cell of a table: its text, and where it links to or the moment it stands for. */
export interface Cell {
  readonly text: string;
  readonly href?: string | undefined;
  readonly dateTime?: string | undefined;
}

/** What a page of the bank says, as far as anybody here needs it. */
export interface Page {
  /** The id of its body; `''` where it has none. */
  readonly name: string;
  /** The texts of elements with an id, by id. */
  readonly texts: Readonly<Record<string, string>>;
  /** The rows of its tables, each by the headings of its table. */
  readonly rows: readonly Readonly<Record<string, Cell>>[];
  /** Where the link to the following page leads. */
  readonly next?: string | undefined;
}

/** No part of it can match in two ways, so that a hostile page costs no more than its length. */
const token = /<(\/?)([a-z][a-z0-9]*)([^<>]*)>|[^<]+|</gi;
const attribute = /([a-z][a-z-]*)(?:="([^"]*)")?/gi;

interface OpenCell {
  readonly heading: boolean;
  text: string;
  href?: string | undefined;
  dateTime?: string | undefined;
}

/**
 * Reads a page as browsers do, without minding what it does not know: never throws, whatever `html` is.
 */
export function readPage(html: string): Page {
  const texts = new Map<string, string>();
  const rows: Record<string, Cell>[] = [];
  let name = '';
  let next: string | undefined;
  let headings: string[] = [];
  let row: OpenCell[] = [];
  let cell: OpenCell | undefined;
  let named: { readonly id: string; readonly tag: string } | undefined;

  function openTag(tag: string, attributes: ReadonlyMap<string, string>): void {
    const id = attributes.get('id');
    if (tag === 'body') name = id ?? '';
    else if (id !== undefined) named = { id, tag };
    if (tag === 'table') headings = [];
    if (tag === 'tr') row = [];
    if (tag === 'td' || tag === 'th') {
      cell = { heading: tag === 'th', text: '' };
      row.push(cell);
    }
    if (tag === 'time' && cell) cell.dateTime = attributes.get('datetime');
    if (tag === 'a' && attributes.get('rel') === 'next') next = attributes.get('href');
    else if (tag === 'a' && cell) cell.href = attributes.get('href');
  }

  function closeTag(tag: string): void {
    if (tag === named?.tag) named = undefined;
    if (tag === 'td' || tag === 'th') cell = undefined;
    if (tag === 'tr') closeRow();
  }

  function closeRow(): void {
    if (row.some(({ heading }) => heading)) headings = row.map(({ text }) => text.trim());
    else if (row.length > 0) rows.push(byHeading(headings, row));
    row = [];
  }

  function addText(text: string): void {
    if (cell) cell.text += text;
    if (named) texts.set(named.id, `${texts.get(named.id) ?? ''}${text}`);
  }

  for (const [whole, slash, tag, rest] of html.matchAll(token)) {
    if (tag === undefined) addText(decode(whole));
    else if (slash) closeTag(tag.toLowerCase());
    else openTag(tag.toLowerCase(), readAttributes(rest ?? ''));
  }
  return { name, texts: Object.fromEntries(texts), rows, next };
}

function byHeading(headings: readonly string[], row: readonly OpenCell[]): Record<string, Cell> {
  return Object.fromEntries(
    row.map(({ text, href, dateTime }, column) => [
      headings[column] ?? String(column),
      { text: text.trim(), href, dateTime },
    ]),
  );
}

function readAttributes(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(attribute)].map(([, name = '', value = '']) => [
      name.toLowerCase(),
      decode(value),
    ]),
  );
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
};

function decode(text: string): string {
  return text.replace(/&(#39|amp|lt|gt|quot);/g, (whole, name: string) => entities[name] ?? whole);
}
