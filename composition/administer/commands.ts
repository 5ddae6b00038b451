import { randomUUID, X509Certificate } from 'node:crypto';
import { readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { Configuration } from '../../config/schema.js';
import {
  type ConfigurationDocument,
  type ConfigurationPlan,
  configurationDocumentSchema,
} from '../../core/client-configuration.js';
import {
  type Author,
  clients,
  isOperatorScope,
  type OperatorScope,
  operatorScopes,
} from '../../core/clients.js';
import { findAll } from '../../core/find-all.js';
import { createOperator, type OperatorCredential, removeOperator } from '../../core/operators.js';
import { Refusal } from '../../core/refusal.js';
import { formatPlan } from './format-plan.js';
import type { OpenAdministration } from './open-administration.js';
import { makeOperatorKey, withKeyFile } from './operator-key.js';

/** What is printed, and the status of the process: 0, 1 where it was refused, 2 for a wrong call. */
export interface CommandResult {
  readonly output: string;
  readonly status: 0 | 1 | 2;
}

export interface CommandOptions {
  readonly config?: string | undefined;
  readonly key?: string | undefined;
  readonly certificate?: string | undefined;
  readonly 'if-match'?: string | undefined;
  readonly 'read-only'?: boolean | undefined;
  readonly scope?: string | undefined;
  readonly secrets?: boolean | undefined;
  readonly prune?: boolean | undefined;
  readonly policy?: string | undefined;
  readonly uses?: string | undefined;
  readonly days?: string | undefined;
}

export interface CommandContext {
  readonly administration: OpenAdministration;
  readonly settings: Configuration;
  readonly options: CommandOptions;
  readonly by: Author;
}

/** @returns undefined where the words are not what the command takes. */
export type Command = (
  words: readonly string[],
  context: CommandContext,
) => Promise<CommandResult | undefined>;

/** The commands that work on the store, by name. */
export const commands: Readonly<Record<string, Command>> = {
  'create-operator': async ([name, ...more], { administration, settings, options, by }) => {
    const { key: keyFile, certificate } = options;
    if (!name || more.length > 0 || (keyFile === undefined) === (certificate === undefined)) {
      return undefined;
    }
    const clientId = `operator-${randomUUID()}`;
    const scopes = readScopes(options);
    if (!scopes) {
      return { output: `--scope takes some of ${operatorScopes.join(', ')}`, status: 2 };
    }
    const create = (credential: OperatorCredential) =>
      createOperator(administration, { clientId, name, scopes, credential }, by);
    if (certificate !== undefined) {
      await create({ certificate: new X509Certificate(await readFile(certificate)) });
      return done(clientId);
    }
    const { key, publicJwk } = await makeOperatorKey();
    const file = { client_id: clientId, issuer: `${settings.publicUrl}/oidc`, key };
    await withKeyFile(String(keyFile), file, () => create({ publicJwk }));
    return done(`${clientId}, its key is in ${keyFile}`);
  },

  'list-operators': async (words, { administration: { storage } }) => {
    if (words.length > 0) return undefined;
    const all = await findAll(storage, clients, { index: 'id', from: '' });
    const lines = all.flatMap(({ id, value: { operator, client_name: name, client_status } }) =>
      operator ? [`${id}  ${client_status ?? 'active'}  ${operator.join(' ')}  ${name}`] : [],
    );
    return done(lines.join('\n') || 'There are no operators');
  },

  'enable-operator': async ([clientId, ...more], { administration, by }) => {
    if (!clientId || more.length > 0) return undefined;
    const stored = await administration.storage.get(clients, clientId);
    if (!stored?.value.operator) throw new Refusal('not_found', 'There is no such operator');
    const order = { by, expect: () => true, dryRun: false };
    await administration.clients.setActive(clientId, true, order);
    return done(`${clientId} is active`);
  },

  'remove-operator': async ([clientId, ...more], { administration, by }) => {
    if (!clientId || more.length > 0) return undefined;
    await removeOperator(administration, clientId, by);
    return done(`${clientId} is no operator any more`);
  },

  export: async ([file, ...more], { administration: { configuration }, options }) => {
    if (more.length > 0) return undefined;
    const withSecrets = options.secrets === true;
    const document = await configuration.export({ withSecrets });
    const text = `${JSON.stringify(document, null, 2)}\n`;
    if (file === undefined) return { output: text.trimEnd(), status: 0 };
    await writePrivately(file, text);
    return done(`${document.clients.length} clients are in ${file}`);
  },

  plan: ([file, ...more], { administration: { configuration }, options }) =>
    withDocument(file, more, async (document) =>
      toResult(await configuration.plan(document, { prune: options.prune === true })),
    ),

  apply: ([file, ...more], { administration: { configuration }, options, by }) =>
    withDocument(file, more, async (document) => {
      const prune = options.prune === true;
      const result = toResult(await configuration.plan(document, { prune }));
      if (result.status !== 0) return result;
      return toResult(await configuration.apply(document, { prune, by }));
    }),
};

/**
 * Writes a file that its owner alone can read, whoever could read one of that name before, or has it
 * open: it takes that one's place. What is no file, a pipe or a device, is written to.
 */
async function writePrivately(path: string, text: string): Promise<void> {
  const present = await stat(path).catch(() => undefined);
  if (present && !present.isFile()) return writeFile(path, text);
  const file = present ? await realpath(path) : path;
  const temporary = `${file}.${randomUUID()}`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Who may write may read. @returns undefined where a scope is none of operators'. */
function readScopes({ scope, ...options }: CommandOptions): readonly OperatorScope[] | undefined {
  const named = scope?.split(/[ ,]+/).filter(Boolean) ?? operatorScopes;
  const known = named.filter(isOperatorScope);
  if (known.length === 0 || known.length < named.length) return undefined;
  const wanted = new Set<string>(known.flatMap((one) => [one.replace(/:write$/, ':read'), one]));
  return operatorScopes.filter(
    (one) => wanted.has(one) && (!options['read-only'] || one.endsWith(':read')),
  );
}

function done(output: string): CommandResult {
  return { output, status: 0 };
}

function toResult(plan: ConfigurationPlan): CommandResult {
  const isBroken = plan.clients.some(({ brokenRules }) => brokenRules.length > 0);
  return { output: formatPlan(plan), status: isBroken ? 1 : 0 };
}

/** @throws Error with one sentence where the file holds no configuration. */
async function withDocument(
  file: string | undefined,
  more: readonly string[],
  work: (document: ConfigurationDocument) => Promise<CommandResult>,
): Promise<CommandResult | undefined> {
  if (file === undefined || more.length > 0) return undefined;
  return work(readDocument(file, await readFile(file, 'utf8')));
}

function readDocument(file: string, text: string): ConfigurationDocument {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may hold a secret.
    throw new Error(`${file} is not JSON`);
  }
  const { data, error } = configurationDocumentSchema.safeParse(document);
  if (data) return data;
  const faults = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`${file} is no configuration: ${faults.slice(0, 5).join('; ')}`);
}
