/** Commits numbered records until it is killed, ten at a time, and reports each acknowledged one. */
import { insert } from '../../../../core/storage.js';
import { notes } from '../test-collections.js';
import { openFromArguments, report } from './open-from-arguments.js';

const storage = await openFromArguments();
let last = 0;

async function writeOn(): Promise<void> {
  for (;;) {
    const number = ++last;
    const value = { text: `${number}`, group: 'numbers' };
    await storage.commit([
      insert(notes, `first-${number}`, value),
      insert(notes, `second-${number}`, value),
    ]);
    report(`${number}`);
  }
}

await Promise.all(Array.from({ length: 10 }, writeOn));
