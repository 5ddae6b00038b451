import { InvalidCursor } from '../core/storage.js';

/** Where a page ended: the indexed value and the stored id of its last record. */
export type Position = readonly [indexValue: string, id: string];

/** The position as text for a URL: base64url of JSON. Neither half is a secret or a name. */
export function encodeCursor(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** @throws {InvalidCursor} for text that {@link encodeCursor} did not make. */
export function decodeCursor(cursor: string): Position {
  const position = parse(Buffer.from(cursor, 'base64url').toString());
  if (!isPosition(position) || encodeCursor(position) !== cursor) {
    throw new InvalidCursor('The paging cursor is not one this store made');
  }
  return position;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isPosition(value: unknown): value is Position {
  return (
    Array.isArray(value) && value.length === 2 && value.every((half) => typeof half === 'string')
  );
}
