import { z } from 'zod';
import { InvalidCursor } from '../../core/storage.js';
import type { TransactionPosition } from '../../core/transaction-reader.js';

const positionSchema = z.tuple([z.iso.datetime(), z.uuid()]);

/** A position as opaque text for a URL. It holds nothing that its page has not shown. */
export function encodePosition({ bookedAt, id }: TransactionPosition): string {
  return Buffer.from(JSON.stringify([bookedAt, id])).toString('base64url');
}

/** @throws {InvalidCursor} for text that {@link encodePosition} did not make. */
export function decodePosition(cursor: string): TransactionPosition {
  try {
    const [bookedAt, id] = positionSchema.parse(
      JSON.parse(Buffer.from(cursor, 'base64url').toString()),
    );
    return { bookedAt, id };
  } catch (cause) {
    throw new InvalidCursor('The cursor is not one of ours', { cause });
  }
}
