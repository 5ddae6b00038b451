/** The attributes of one part of a name, sorted: they have no order of their own (RFC 4514 §2.2). */
type NamePart = readonly string[];

/** Names of attributes (RFC 4514 §3, and as OpenSSL writes them), to their object identifiers. */
const identifiers: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  SN: '2.5.4.4',
  SERIALNUMBER: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  S: '2.5.4.8',
  STREET: '2.5.4.9',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  TITLE: '2.5.4.12',
  BUSINESSCATEGORY: '2.5.4.15',
  POSTALCODE: '2.5.4.17',
  GN: '2.5.4.42',
  GIVENNAME: '2.5.4.42',
  DNQUALIFIER: '2.5.4.46',
  PSEUDONYM: '2.5.4.65',
  ORGANIZATIONIDENTIFIER: '2.5.4.97',
  UID: '0.9.2342.19200300.100.1.1',
  DC: '0.9.2342.19200300.100.1.25',
  EMAILADDRESS: '1.2.840.113549.1.9.1',
  E: '1.2.840.113549.1.9.1',
  JURISDICTIONL: '1.3.6.1.4.1.311.60.2.1.1',
  JURISDICTIONST: '1.3.6.1.4.1.311.60.2.1.2',
  JURISDICTIONC: '1.3.6.1.4.1.311.60.2.1.3',
};

/** One attribute, and what ends it; what is escaped ends none. */
const attribute = /((?:\\[0-9a-f]{2}|\\[^0-9a-f]|[^\\,+])*)([,+]|$)/gisy;

/** A distinguished name in the writing of RFC 4514; undefined for what is none. */
export function parseDistinguishedName(name: string): readonly NamePart[] | undefined {
  const parts: string[][] = [[]];
  let isWhole = false;
  for (const [, text = '', end] of name.matchAll(attribute)) {
    const read = readAttribute(text);
    if (read === undefined) return undefined;
    parts.at(-1)?.push(read);
    isWhole = end === '';
    if (isWhole) break;
    if (end === ',') parts.push([]);
  }
  return isWhole ? parts.map((part) => part.toSorted()) : undefined;
}

/** The subject of a certificate as Node prints it: escaped so, a part a line, most general first. */
export function parseSubject(subject: string): readonly NamePart[] | undefined {
  const lines = subject.split('\n').filter((line) => line.length > 0);
  return parseDistinguishedName(lines.toReversed().join(','));
}

function readAttribute(text: string): string | undefined {
  const separator = text.indexOf('=');
  if (separator < 1) return undefined;
  const type = text
    .slice(0, separator)
    .trim()
    .toUpperCase()
    .replace(/^OID\./, '');
  const written = trimUnescaped(text.slice(separator + 1));
  const value = written.startsWith('#') ? (readEncoded(written) ?? written) : unescapeText(written);
  return value === undefined ? undefined : `${identifiers[type] ?? type}=${value}`;
}

function trimUnescaped(text: string): string {
  return /^ *((?:\\.|[^\\])*?) *$/s.exec(text)?.[1] ?? text;
}

/** RFC 4514 §2.4: bytes of UTF-8 in hexadecimal, or a character that would mean something else. */
function unescapeText(text: string): string | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return text.replace(/(?:\\[0-9a-f]{2})+|\\(.)/gis, (bytes, character?: string) =>
      character === undefined
        ? decoder.decode(Buffer.from(bytes.replaceAll('\\', ''), 'hex'))
        : character,
    );
  } catch {
    return undefined;
  }
}

/** UTF8String, PrintableString and IA5String, up to 127 bytes. */
const textTags = [0x0c, 0x13, 0x16];

/** RFC 4514 §2.4: `#` and the encoding of the value; undefined where it is no text. */
function readEncoded(written: string): string | undefined {
  const [tag = 0, length = 0, ...value] = Buffer.from(written.slice(1), 'hex');
  const isText = textTags.includes(tag) && length === value.length && length < 128;
  return isText ? Buffer.from(value).toString('utf8') : undefined;
}
