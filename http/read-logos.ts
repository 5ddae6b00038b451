import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Logo {
  readonly contentType: string;
  readonly body: Buffer;
}

/** The logos of an installation, by the `bankRef` and the `client_id` that their files are named after. */
export interface Logos {
  readonly banks: ReadonlyMap<string, Logo>;
  readonly clients: ReadonlyMap<string, Logo>;
}

/** Bytes. */
const largest = 256 * 1024;

/** Unreserved characters (RFC 3986 §2.3), so that the name is a path segment as it stands. */
const fileName = /^(?<name>\w[\w.~-]*)\.(?<extension>svg|png)$/;

/**
 * Reads `banks/` and `clients/` of a folder, whole and once: what is served later is never a path that
 * a request names. Hidden files are passed over.
 * @param folder undefined where the installation has no logos.
 * @throws Error with one sentence for the operator where the folder or a file is not usable.
 */
export async function readLogos(folder: string | undefined): Promise<Logos> {
  if (folder === undefined) return { banks: new Map(), clients: new Map() };
  const present = await explain(folder, 'a folder with banks/ and clients/', readdir(folder));
  const read = async (kind: string) =>
    present.includes(kind) ? readFolder(join(folder, kind)) : new Map<string, Logo>();
  return { banks: await read('banks'), clients: await read('clients') };
}

async function readFolder(folder: string): Promise<Map<string, Logo>> {
  const logos = new Map<string, Logo>();
  const names = await explain(folder, 'a folder of logos', readdir(folder));
  for (const entry of names.filter((each) => !each.startsWith('.')).sort()) {
    const path = join(folder, entry);
    const { name, extension } = fileName.exec(entry)?.groups ?? {};
    if (name === undefined) {
      throw unusable(path, 'a name of letters, digits and . _ ~ - that ends in .svg or .png');
    }
    if (logos.has(name)) throw unusable(path, 'one logo of each name');
    const { size } = await explain(path, 'a file', stat(path));
    if (size > largest) throw unusable(path, `at most ${largest / 1024} KiB`);
    const body = await explain(path, 'a file', readFile(path));
    logos.set(name, { contentType: extension === 'svg' ? 'image/svg+xml' : 'image/png', body });
  }
  return logos;
}

async function explain<Result>(
  path: string,
  expected: string,
  reading: Promise<Result>,
): Promise<Result> {
  try {
    return await reading;
  } catch (error) {
    throw unusable(path, expected, { cause: error });
  }
}

function unusable(path: string, expected: string, options?: ErrorOptions): Error {
  return new Error(`logos: found ${path}; expected ${expected}`, options);
}
