import { readFile } from 'node:fs/promises';
import { describeSettings } from '../../config/describe-settings.js';
import { listSettings } from '../../config/settings.js';

describe('the configuration reference', () => {
  it('is up to date; `npm run docs` writes it', async () => {
    expect(await readFile('docs/configuration.md', 'utf8')).toBe(describeSettings());
  });

  it('gives one line of why for every setting', () => {
    const unexplained = listSettings().filter(({ schema }) => !schema.description);
    expect(unexplained.map(({ path }) => path.join('.'))).toEqual([]);
  });
});
