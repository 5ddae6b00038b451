import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { shownText } from '../../core/client-metadata.js';
import { registrationPolicySchema } from '../../core/registration/registration-policy.js';
import { openInitialAccessTokens } from '../registration-routes.js';
import type { Command } from './commands.js';

const most = { uses: 1_000_000, days: 3650 };
const number = (name: keyof typeof most) => {
  const error = `--${name} takes a whole number from 1 to ${most[name]}`;
  return z.coerce.number({ error }).int({ error }).min(1, { error }).max(most[name], { error });
};
const wanted = z.object({ uses: number('uses').default(1), days: number('days').default(7) });

/** The commands for initial access tokens, which clients register with (docs/registration.md). */
export const registrationCommands: Readonly<Record<string, Command>> = {
  'create-registration-token': async (words, { administration, settings, options, by }) => {
    const { data: note } = shownText(200).safeParse(words[0]);
    if (words.length > 1 || note === undefined) return undefined;
    const { data, error } = wanted.safeParse(options);
    if (!data) return { output: error.issues[0]?.message ?? '', status: 2 };
    const policy = await readPolicy(options.policy);
    const { uses, days } = data;
    const lifetime = days * 86_400;
    const tokens = openInitialAccessTokens({ ...administration, configuration: settings });
    const { id, token } = await tokens.create({ note, policy, uses, lifetime, by });
    const lines = [token, '', `Its id is ${id}; the token is not shown again`];
    const off = 'features.registration is off: until it is on, nobody can register';
    return {
      output: [...lines, ...(settings.features.registration ? [] : [off])].join('\n'),
      status: 0,
    };
  },

  'list-registration-tokens': async (words, { administration, settings }) => {
    if (words.length > 0) return undefined;
    const tokens = openInitialAccessTokens({ ...administration, configuration: settings });
    const all = await tokens.list();
    const lines = all.map(
      ({ id, value: { note, usesLeft }, expiresAt }) =>
        `${id}  ${usesLeft} left  until ${expiresAt?.toISOString() ?? ''}  ${note}`,
    );
    return { output: lines.join('\n') || 'There are no registration tokens', status: 0 };
  },

  'revoke-registration-token': async ([id, ...more], { administration, settings, by }) => {
    if (!id || more.length > 0) return undefined;
    const tokens = openInitialAccessTokens({ ...administration, configuration: settings });
    await tokens.revoke(id, by);
    return { output: `${id} registers nobody any more`, status: 0 };
  },
};

/** @throws Error with one sentence where the file holds no policy. */
async function readPolicy(file: string | undefined) {
  if (file === undefined) return registrationPolicySchema.parse({});
  const { data, error } = registrationPolicySchema.safeParse(await readJson(file));
  if (data) return data;
  const faults = error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the policy'}: ${message}`,
  );
  throw new Error(`${file} is no registration policy: ${faults.join('; ')}`);
}

/** @throws Error with one sentence where the file cannot be read or is not JSON. */
async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file} is not JSON`, { cause });
  }
}
