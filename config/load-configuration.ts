import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { checkFiles } from './check-files.js';
import { checkSettings } from './check-settings.js';
import { ConfigurationError } from './configuration-error.js';
import { describeIssue } from './describe-issue.js';
import { applyEnvironment, type Environment } from './environment-settings.js';
import { resolvePaths } from './resolve-paths.js';
import { type Configuration, configurationSchema, type ValidSettings } from './schema.js';
import { systemErrorCode } from './system-error-code.js';

export interface ConfigurationSources {
  /** Path of a JSON file. Without it every setting comes from the environment. */
  readonly file?: string | undefined;
  /** `ASSENT_…` variables win over the file; `NODE_ENV=production` forbids unsafe settings. */
  readonly environment: Environment;
}

/**
 * Reads and validates the configuration; paths in it start at the file's directory, or at the
 * working directory where there is no file.
 * @throws {ConfigurationError} listing every mistake, without secrets.
 */
export async function loadConfiguration(sources: ConfigurationSources): Promise<Configuration> {
  const file = sources.file === undefined ? undefined : resolve(sources.file);
  const written = file === undefined ? {} : await readSettings(file);
  const { settings, mistakes } = applyEnvironment(written, sources.environment);

  const parsed = configurationSchema.safeParse(settings);
  const issues = parsed.error?.issues ?? [];
  // What is wrong by itself must not hide what is wrong between the other settings.
  const valid = parsed.data ?? parseOthers(settings, issues);
  const resolved = resolvePaths(valid, file === undefined ? process.cwd() : dirname(file));
  const all = [
    ...mistakes,
    ...issues.flatMap((issue) => describeIssue(issue, settings)),
    ...checkSettings(resolved, sources.environment.NODE_ENV === 'production'),
    ...(await checkFiles(resolved)),
  ];
  if (all.length > 0) throw new ConfigurationError(all);
  return configurationSchema.parse(resolved);
}

async function readSettings(file: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigurationError([
      `${file}: cannot be read (${systemErrorCode(error)}); expected a JSON file with the settings`,
    ]);
  }
  const settings = parseJson(text, file);
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
    throw new ConfigurationError([`${file}: expected a JSON object with the settings`]);
  }
  return { ...settings };
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser's message quotes the text, which may hold a secret; only the place is repeated.
    const place = /line \d+ column \d+/.exec(String(error))?.[0];
    throw new ConfigurationError([`${file}: is not JSON${place ? ` at ${place}` : ''}`]);
  }
}

/** The top-level settings without an issue, each parsed. */
function parseOthers(
  settings: Readonly<Record<string, unknown>>,
  issues: readonly { readonly path: readonly PropertyKey[] }[],
): ValidSettings {
  const broken = new Set(issues.map(({ path }) => path[0]));
  const others = Object.entries(settings).filter(
    ([name]) => name in configurationSchema.shape && !broken.has(name),
  );
  return configurationSchema.partial().parse(Object.fromEntries(others));
}
