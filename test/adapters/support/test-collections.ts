import type { Collection } from '../../../core/storage.js';

/** A record with a value under two indexes. */
export interface Note {
  readonly text: string;
  readonly group?: string;
  readonly time?: string;
}

/** Found by plain ids. */
export const notes: Collection<Note> = {
  name: 'note',
  indexes: ['group', 'time'],
  indexValues: ({ group, time }) => ({ group, time }),
};

/** Its ids are bearer secrets. */
export const tickets: Collection<Note> = {
  name: 'ticket',
  secretIds: true,
  indexes: ['group'],
  indexValues: ({ group }) => ({ group }),
};

/** Values of any shape. */
export const documents: Collection<unknown> = {
  name: 'document',
  indexes: [],
  indexValues: () => ({}),
};

export const testCollections = [notes, tickets, documents];
