import { writeSync } from 'node:fs';
import { oidcCollections } from '../../../../adapters/oidc/oidc-collections.js';
import { openStorage } from '../../../../adapters/open-storage.js';
import { systemClock } from '../../../../core/clock.js';
import { testCollections } from '../test-collections.js';

/** Opens the store that {@link runProcess} names. */
export function openFromArguments() {
  const [, , url = '', file = ''] = process.argv;
  const collections = [...testCollections, ...Object.values(oidcCollections)];
  return openStorage({ url, masterKey: { file }, collections, clock: systemClock });
}

/** Hands a line to the parent at once, so that not even SIGKILL holds it back. */
export function report(line: string): void {
  writeSync(1, `${line}\n`);
}
