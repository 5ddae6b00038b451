import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');

/** A room may import from these; every room may import from itself. */
const mayImport: Record<string, readonly string[]> = {
  core: [],
  config: ['core'],
  adapters: ['core'],
  http: ['core'],
  'consent-ui': ['core'],
  institutions: ['core', 'config'],
  provider: ['core', 'config', 'http', 'adapters'],
  interactions: ['core', 'config', 'http', 'consent-ui', 'adapters'],
  api: ['core', 'config', 'http', 'adapters', 'resource'],
  resource: [],
};

const product = Object.keys(mayImport);

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function readSources(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'))
    .map((name) => readSource(join(folder, name)));
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
    ([, to]) => to ?? '',
  );
  return { path, text, imports };
}

const sources = product.flatMap(readSources);

/** The file that a relative import leads to, from the root; undefined for a package. */
function target(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return normalize(join(dirname(from), specifier)).replace(/\.js$/, '');
}

describe.each(product)('%s/', (room) => {
  test('imports only from the rooms it may', () => {
    const allowed = [room, ...(mayImport[room] ?? [])];
    const strayed = sources
      .filter(({ path }) => path.startsWith(`${room}/`))
      .flatMap(({ path, imports }) =>
        imports
          .map((specifier) => target(path, specifier))
          .filter((to) => to !== undefined && !allowed.some((name) => to.startsWith(`${name}/`)))
          .map((to) => `${path} → ${to}`),
      );
    expect(strayed).toEqual([]);
  });
});

test('core knows no HTTP, no oidc-provider and no database', () => {
  const foreign = sources
    .filter(({ path }) => path.startsWith('core/'))
    .flatMap(({ path, imports }) =>
      imports
        .filter(
          (to) =>
            !to.startsWith('.') &&
            !['zod', 'node:crypto', 'node:timers/promises', 'node:util'].includes(to),
        )
        .map((to) => `${path} → ${to}`),
    );
  expect(foreign).toEqual([]);
});

test('the container image is built from every room that the programs import', () => {
  const written = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
  const imported = new Set<string>();
  function follow({ path, imports }: SourceFile) {
    for (const specifier of imports) {
      const [room = '', ...file] = target(path, specifier)?.split('/') ?? [];
      if (file.length === 0 || imported.has(room)) continue;
      imported.add(room);
      readSources(room).forEach(follow);
    }
  }
  readdirSync(root)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readSource(name))
    .forEach(follow);
  expect(imported).toContain('core');
  expect([...imported].filter((room) => !written.includes(`!${room}`))).toEqual([]);
});

test('one file reaches inside oidc-provider', () => {
  const deep = sources.filter(({ imports }) =>
    imports.some((to) => to.startsWith('oidc-provider/')),
  );
  expect(deep.map(({ path }) => path)).toEqual(['provider/internals.ts']);
});

test('one file reads process.env', () => {
  const readers = sources.filter(({ text }) => text.includes('process.env'));
  expect(readers.map(({ path }) => path)).toEqual(['config/process-environment.ts']);
});

test('no file imports itself in a circle', () => {
  const graph = new Map(
    sources.map(({ path, imports }) => [
      path.replace(/\.tsx?$/, ''),
      imports.map((specifier) => target(path, specifier)).filter((to) => to !== undefined),
    ]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  function visit(file: string, trail: readonly string[]): void {
    if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
    else if (!done.has(file)) {
      for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
      done.add(file);
    }
  }
  for (const file of graph.keys()) visit(file, []);
  expect(circles).toEqual([]);
});
