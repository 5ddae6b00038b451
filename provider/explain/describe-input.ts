import { decodeJwt, decodeProtectedHeader } from 'jose';

/** What these hold is a word of a specification or the configuration. */
const words = new Set([
  'client_id',
  'code_challenge_method',
  'grant_type',
  'prompt',
  'resource',
  'response_mode',
  'response_type',
  'scope',
]);

const addresses = new Set(['redirect_uri', 'post_logout_redirect_uri']);

/** Long, and of the kind of characters that keys and tokens are made of. */
const secretLooking = /[A-Za-z0-9_~+/=.-]{25,}/g;

/**
 * What a parameter held, without anything that is secret or somebody's: words as they are, of an
 * address its origin and path, of a JWT which kind it is and its times, and of everything else how long
 * it is.
 */
export function describeInput(name: string, value: unknown): string {
  if (value === undefined || value === '') return `no ${name}`;
  if (typeof value !== 'string') return `${name} is no text`;
  if (words.has(name)) return `${name} is '${redact(value).slice(0, 200)}'`;
  const address = addresses.has(name) ? describeAddress(value) : undefined;
  if (address !== undefined) return `${name} is '${address.slice(0, 200)}'`;
  return describeJwt(name, value) ?? `${name} of ${value.length} characters`;
}

/** A text of our own or of the library, without what it may have quoted. */
export function redact(text: string): string {
  return (
    text
      .replace(/[^\s@'"]+@[^\s@'"]+/g, '…')
      // Before numbers: what is left around one may be too short to be known as a secret.
      .replace(secretLooking, (word) => (isPlain(word) ? word : '…'))
      .replace(/\d{6,}/g, '…')
      .replace(/[^\x20-\x7e…]/g, '?')
      .slice(0, 300)
  );
}

/** Names and addresses have one letter case and no digits beside them; tokens have everything. */
function isPlain(word: string): boolean {
  return /^[a-z_./-]+$/.test(word);
}

function describeAddress(value: string): string | undefined {
  const url = URL.parse(value);
  if (!url) return undefined;
  // Each part by itself: together they look like a secret.
  const [host, path] = [redactParts(url.host, '.'), redactParts(url.pathname, '/')];
  return `${url.protocol}${host && `//${host}`}${path}`;
}

function redactParts(text: string, separator: string): string {
  return text.split(separator).map(redact).join(separator);
}

function describeJwt(name: string, token: string): string | undefined {
  try {
    const { alg, typ } = decodeProtectedHeader(token);
    const { iat, nbf, exp } = decodeJwt(token);
    const facts = Object.entries({ alg, typ, iat, nbf, exp })
      .filter(([, fact]) => typeof fact === 'number' || /^[\w+-]{1,40}$/.test(String(fact)))
      .filter(([, fact]) => fact !== undefined)
      .map(([fact, held]) => `${fact} ${held}`);
    return `${name} with ${facts.join(', ')}`;
  } catch {
    return undefined;
  }
}
