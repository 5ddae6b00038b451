import { openStorage } from '../../adapters/open-storage.js';
import type { Configuration } from '../../config/schema.js';
import { adminEvents } from '../../core/admin-history.js';
import type { Author } from '../../core/clients.js';
import type { Clock } from '../../core/clock.js';
import { jobs } from '../../core/job.js';
import {
  describeEarlierRevocation,
  type KeyAdministration,
  type KeyView,
} from '../../core/key-administration.js';
import type { Logger } from '../../core/logger.js';
import { administerAllKeys } from './administer-all-keys.js';
import { keySets } from './key-set-record.js';
import { openKeys } from './open-keys.js';

interface CommandDeps {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Who asks, for the history. */
  readonly by: Author;
}

/**
 * Does what an operator asks of the keys, on the store that the running processes use.
 * @param words the command line after `keys`.
 * @returns the table of keys as it is then; undefined where the words are no command.
 * @throws Error with one sentence where it could not be done.
 */
export async function runKeysCommand(
  words: readonly string[],
  { configuration, clock, logger, by }: CommandDeps,
): Promise<string | undefined> {
  const action = readAction(words, by);
  if (!action) return undefined;
  const { url, masterKey } = configuration.storage;
  const storage = await openStorage({
    url,
    masterKey,
    collections: [keySets, jobs, adminEvents],
    clock,
  });
  try {
    // Running processes see the change, and what is due, by themselves.
    const keys = await openKeys({ configuration, storage, clock, logger }, () => {});
    try {
      return await action(administerAllKeys(keys.manager, keys.encryptionManager));
    } finally {
      await keys.close();
    }
  } finally {
    await storage.close();
  }
}

type Action = (keys: KeyAdministration) => Promise<string>;

function readAction([name, argument, ...more]: readonly string[], by: Author): Action | undefined {
  if (more.length > 0) return undefined;
  if (name === 'list' && argument === undefined) {
    return async (keys) => formatKeys(await keys.list());
  }
  if (name === 'rotate') return async (keys) => formatKeys(await keys.rotate(argument, by));
  if (name === 'revoke' && argument !== undefined) {
    return async (keys) => {
      const earlier = describeEarlierRevocation((await keys.planRevocation(argument)).key);
      const table = formatKeys(await keys.revoke(argument, by));
      return earlier === undefined ? table : `${earlier}\n${table}`;
    };
  }
  return undefined;
}

/** A table for a terminal; times in UTC. */
export function formatKeys(keys: readonly KeyView[]): string {
  const rows = keys.map((key) => [
    key.algorithm,
    key.kid,
    key.state,
    key.signsFrom,
    key.revokedAt ?? key.publishedUntil ?? '',
    key.heldBy,
  ]);
  const heading = ['alg', 'kid', 'state', 'signs from', 'published until', 'held by'];
  const widths = heading.map((_, column) =>
    Math.max(...[heading, ...rows].map((cells) => cells[column]?.length ?? 0)),
  );
  return [heading, ...rows]
    .map((cells) =>
      cells
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
