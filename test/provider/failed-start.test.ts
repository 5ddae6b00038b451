import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startAssent } from '../support/start-assent.js';

test('a start that fails lets go of the external signer, too', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'assent-start-'));
  try {
    const [module, closed] = [join(directory, 'signer.mjs'), join(directory, 'closed')];
    await writeFile(
      module,
      `import { writeFile } from 'node:fs/promises';
      export const createKeySigner = ({ closed }) => ({
        createKey: async () => { throw new Error('no key can be made'); },
        sign: async () => new Uint8Array(),
        destroyKey: async () => {},
        close: () => writeFile(closed, 'yes'),
      });`,
    );
    const external = { module, options: { closed } };
    await expect(startAssent({ signing: { external } })).rejects.toThrow();
    expect(await readFile(closed, 'utf8')).toBe('yes');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
