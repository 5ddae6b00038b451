import { listSettings, type Setting } from './settings.js';

export type Environment = Readonly<Record<string, string | undefined>>;

type Members = Record<string, unknown>;

/** What Kubernetes sets in every container beside a service named `assent`. */
const serviceLink = /^ASSENT_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_.+)?)$/;

/**
 * Lays the `ASSENT_…` variables over what the configuration file says. A text stays a text; numbers,
 * true or false, lists and objects are read as JSON.
 * @param written the file's content, which is not changed.
 * @returns the settings to validate, and one mistake for each variable that names no setting.
 */
export function applyEnvironment(
  written: Readonly<Members>,
  environment: Environment,
): { readonly settings: Members; readonly mistakes: readonly string[] } {
  const settings: Members = JSON.parse(JSON.stringify(written));
  const known = new Map(
    listSettings().flatMap((setting) =>
      setting.variable === undefined ? [] : [[spelling(setting.variable), setting] as const],
    ),
  );
  const assignments: { readonly setting: Setting; readonly text: string }[] = [];
  const mistakes: string[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (text === undefined || !variable.startsWith('ASSENT_')) continue;
    const setting = known.get(spelling(variable));
    if (setting) assignments.push({ setting, text });
    else if (!serviceLink.test(variable)) {
      mistakes.push(`${variable}: names no setting; docs/configuration.md lists every variable`);
    }
  }
  // A variable replaces the file's choice: a master key's value and its file exclude each other.
  for (const { setting } of assignments) {
    if (setting.choiceAt !== undefined) assign(settings, setting.path.slice(0, setting.choiceAt));
  }
  for (const { setting, text } of assignments) assign(settings, setting.path, read(setting, text));
  return { settings, mistakes };
}

/** Single underscores part words for the eye only: PUBLICURL is PUBLIC_URL. */
function spelling(variable: string): string {
  return variable
    .split('__')
    .map((word) => word.replaceAll('_', ''))
    .join('.');
}

/** Sets what `path` names, or empties it; a text that stands in the way stays, to be reported. */
function assign(settings: Members, path: readonly string[], value?: unknown): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  if (rest.length === 0) {
    settings[name] = value;
    return;
  }
  settings[name] ??= {};
  const member = settings[name];
  if (isMembers(member)) assign(member, rest, value);
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What JSON cannot read is left as it is, for the schema to say what it expected instead. */
function read({ schema }: Setting, text: string): unknown {
  if (schema.type === 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
