import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

/* Each attack that must have tests by its row has some, and `docs/security-tests.md` says where to look. */

const root = join(import.meta.dirname, '../..');
const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
const rows = [...range(1, 9), 15, 16, ...range(25, 50)].map(
  (row) => `SEC-${String(row).padStart(2, '0')}`,
);

/** The name of a test or of a group of tests, right after the bracket of its call. */
const name = /(?:test|it|describe|\]|\))\(\s*(['"`])((?:(?!\1).)*SEC-\d\d(?:(?!\1).)*)\1/g;

/** Which rows a file's tests name. */
function rowsOf(file: string): ReadonlySet<string> {
  const text = readFileSync(join(root, file), 'utf8');
  const names = [...text.matchAll(name)].map(([, , found = '']) => found);
  return new Set(names.flatMap((found) => [...found.matchAll(/SEC-\d\d/g)].map(([row]) => row)));
}

const tests = new Map(
  globSync('test/**/*.test.ts', { cwd: root }).map((file) => [file, rowsOf(file)] as const),
);

test('each row has tests that name it', () => {
  const covered = new Set([...tests.values()].flatMap((found) => [...found]));
  expect(rows.filter((row) => !covered.has(row))).toEqual([]);
});

test('the table has each row, and leads to tests that name it', () => {
  const text = readFileSync(join(root, 'docs/security-tests.md'), 'utf8');
  const table = [...text.matchAll(/^\| (SEC-\d\d) \| [^|]+ \| ([^|]+) \|$/gm)];
  expect(table.map(([, row]) => row)).toEqual(rows);
  const lost = table.flatMap(([, row = '', files = '']) =>
    [...files.matchAll(/`([^`]+)`/g)]
      .map(([, file]) => `test/${file}.test.ts`)
      .filter((file) => !tests.get(file)?.has(row))
      .map((file) => `${row}: ${file}`),
  );
  expect(lost).toEqual([]);
  expect(table.filter(([, , files = '']) => !files.includes('`'))).toEqual([]);
});
