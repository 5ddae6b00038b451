import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Configuration } from '../../config/schema.js';
import { BrokenRules } from '../../core/broken-rule.js';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import { runKeysCommand } from '../../provider/keys/keys-command.js';
import { callAdminApi } from './call-admin-api.js';
import { type CommandOptions, type CommandResult, commands } from './commands.js';
import { openAdministration } from './open-administration.js';
import { readOperatorKey } from './operator-key.js';
import { registrationCommands } from './registration-commands.js';

const usage = `Usage: npm run admin -- COMMAND --config FILE

  create-operator NAME --key FILE          make an operator; its private key goes into the new FILE
  create-operator NAME --certificate FILE  make one that shows this client certificate (PEM)
                  --read-only              it may look, and change nothing
                  --scope "clients:read …" it may do this alone: clients:read, clients:write,
                                           keys:read, keys:write; who may write may read
  list-operators
  enable-operator CLIENT_ID                one that another operator disabled
  remove-operator CLIENT_ID
  export [FILE] [--secrets]                all clients as one file; secrets only where asked for
  plan FILE [--prune]                      what applying the file would change, break and end
  apply FILE [--prune]                     make the clients those of the file; prune deletes others

  create-registration-token NOTE [--policy FILE] [--uses NUMBER] [--days NUMBER]
                                           for somebody who may register clients at /oidc/reg
  list-registration-tokens
  revoke-registration-token ID

  keys list                                every signing key, and what it does
  keys rotate [ALGORITHM]                  publish the next key of each algorithm, or of one
  keys revoke KID                          take a compromised key away, now

  call METHOD PATH [FILE] --key FILE       call the Admin API below /admin/v1 with an operator's key
       [--if-match ETAG]                   (without --config); FILE is the body, - is the input`;

export interface AdminCommandDeps {
  /** Asked by the commands that work on the store. */
  readonly loadConfiguration: (file: string | undefined) => Promise<Configuration>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Who is at the terminal, for the history. */
  readonly user: string;
  readonly readInput: () => Promise<string>;
}

/**
 * Does what an operator asks for at a terminal.
 * @throws Error with one sentence where it could not be done.
 */
export async function runAdminCommand(
  args: readonly string[],
  deps: AdminCommandDeps,
): Promise<CommandResult> {
  const { options, words } = readArguments(args);
  const [name = '', ...rest] = words;
  const result = (await choose(name)?.(rest, options, deps)) ?? { output: usage, status: 2 };
  return { ...result, output: escapeControls(result.output) };
}

/** What others wrote must not tell the terminal what to do (SEC-57); in JSON it stays what it is. */
function escapeControls(output: string): string {
  return output.replace(
    /[^\P{Cc}\n\t]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const storeCommands = { ...commands, ...registrationCommands };

function choose(name: string): Run | undefined {
  if (name === 'call') return callApi;
  if (name === 'keys') return changeKeys;
  return Object.hasOwn(storeCommands, name) ? onStore(name) : undefined;
}

type Run = (
  words: readonly string[],
  options: CommandOptions,
  deps: AdminCommandDeps,
) => Promise<CommandResult | undefined>;

function onStore(name: string): Run {
  return async (words, options, { loadConfiguration, clock, logger, user }) => {
    const settings = await loadConfiguration(options.config);
    const administration = await openAdministration({ configuration: settings, clock, logger });
    try {
      const by = { kind: 'command', id: user } as const;
      return await storeCommands[name]?.(words, { administration, settings, options, by });
    } catch (error) {
      if (!(error instanceof BrokenRules)) throw error;
      const lines = error.rules.map(({ member, rule }) => `! ${member} ${rule}`);
      return { output: lines.join('\n'), status: 1 };
    } finally {
      await administration.close();
    }
  };
}

/** On the store alone: also where no process could start for the sake of its keys. */
const changeKeys: Run = async (words, options, { loadConfiguration, clock, logger, user }) => {
  const configuration = await loadConfiguration(options.config);
  const by = { kind: 'command', id: user } as const;
  const output = await runKeysCommand(words, { configuration, clock, logger, by });
  return output === undefined ? undefined : { output, status: 0 };
};

const callApi: Run = async ([method, path, file, ...more], options, { readInput }) => {
  if (!method || !path?.startsWith('/') || more.length > 0 || !options.key) return undefined;
  const body = file === undefined ? undefined : await readBody(file, readInput);
  const answer = await callAdminApi(await readOperatorKey(options.key), {
    method: method.toUpperCase(),
    path,
    body,
    ifMatch: quoteEtag(options['if-match']),
  });
  const heading = `${answer.status}${answer.etag === null ? '' : `  ETag ${answer.etag}`}`;
  const output = answer.text === '' ? heading : `${heading}\n${indent(answer.text)}`;
  return { output, status: answer.status < 400 ? 0 : 1 };
};

/** Shells take the quotes away that an entity tag is written with. */
function quoteEtag(etag: string | undefined): string | undefined {
  return etag === undefined || /^(\*|.*".*)$/.test(etag) ? etag : `"${etag}"`;
}

function readBody(file: string, readInput: () => Promise<string>): Promise<string> {
  return file === '-' ? readInput() : readFile(file, 'utf8');
}

function indent(text: string): string {
  return JSON.stringify(JSON.parse(text), null, 2);
}

function readArguments(args: readonly string[]): { options: CommandOptions; words: string[] } {
  const { values, positionals } = parseArgs({
    args: withDashedIds(args),
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      key: { type: 'string' },
      certificate: { type: 'string' },
      'if-match': { type: 'string' },
      'read-only': { type: 'boolean' },
      scope: { type: 'string' },
      secrets: { type: 'boolean' },
      prune: { type: 'boolean' },
      policy: { type: 'string' },
      uses: { type: 'string' },
      days: { type: 'string' },
    },
  });
  return { options: values, words: positionals };
}

/**
 * The ids of keys are hashes in base64url, and one in 64 begins with a dash. What is not shaped as an
 * option of ours is a word, so that such an id can be given as the table shows it.
 */
function withDashedIds(args: readonly string[]): string[] {
  const isId = (argument: string) => /^-(?!-?$|-[a-z][a-z-]*(=|$))/.test(argument);
  if (args.includes('--')) return [...args];
  return [...args.filter((argument) => !isId(argument)), '--', ...args.filter(isId)];
}
