import type { z } from 'zod';
import { listSettings } from './settings.js';

type Issue = z.core.$ZodIssue;

/** Values below these names are secrets, or may hold one: they are never repeated. */
const secretPlaces = /^storage\.(url|masterKey)|secret|password|passphrase|token$|jwks/i;

/**
 * What the schema found wrong, for the operator, a line for each: where, what was found, what is
 * allowed.
 * @param settings what was validated; only a harmless value is repeated from it.
 */
export function describeIssue(issue: Issue, settings: unknown): readonly string[] {
  const place = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const allowed = membersOf(issue.path);
    return issue.keys.map(
      (key) => `${place ? `${place}.` : ''}${key}: is no setting; expected one of ${allowed}`,
    );
  }
  return [
    `${place || 'the configuration'}: found ${found(issue, place, settings)}; ${expected(issue)}`,
  ];
}

function found(issue: Issue, place: string, settings: unknown): string {
  const value = issue.path.reduce<unknown>(
    (node, name) =>
      typeof node === 'object' && node !== null ? Reflect.get(node, name) : undefined,
    settings,
  );
  if (value === undefined) return 'nothing';
  if (secretPlaces.test(place)) return '(hidden)';
  // What stands where a list or an object belongs may hold the secrets of its members.
  const isContainer =
    typeof value === 'object' ||
    (issue.code === 'invalid_type' && ['object', 'array', 'record'].includes(issue.expected));
  return isContainer ? kindOf(value) : showValue(value);
}

/** A harmless value, short; what looks like a URL with credentials or a query is not harmless. */
export function showValue(value: unknown): string {
  if (typeof value === 'string' && /[@?]/.test(value)) return '(hidden)';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The validator's own words, which never repeat the value, without what it received. */
function expected({ message }: Issue): string {
  const words = message
    .replace(/, received .*$/, '')
    .replace(/^(Invalid input|Invalid option|Too small|Too big|Invalid string): /, '');
  return words.startsWith('expected') ? words : `expected ${words}`;
}

function membersOf(path: readonly PropertyKey[]): string {
  const place = path.map((name) => (typeof name === 'number' ? '*' : String(name)));
  const inside = listSettings()
    .filter((setting) => place.every((name, depth) => setting.path[depth] === name))
    .map((setting) => setting.path[place.length]);
  return [...new Set(inside)].filter((name) => name !== undefined).join(', ');
}
