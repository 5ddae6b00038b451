/** Opens the store and is done: twice, since only the first start writes. */
import { put } from '../../../../core/storage.js';
import { notes } from '../test-collections.js';
import { openFromArguments, report } from './open-from-arguments.js';

await (await openFromArguments()).close();
const storage = await openFromArguments();
// Not awaited: what is under way is finished, and nothing idle keeps the process alive after it.
storage.commit([put(notes, 'last', { text: 'kept' })]).then(() => report('committed'));
await openFromArguments();
