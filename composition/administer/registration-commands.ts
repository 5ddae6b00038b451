import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { shownText } from '../../core/client-metadata.js';
import { registrationPolicySchema } from '../../core/registration/registration-policy.js';
import { openInitialAccessTokens } from '../registration-routes.js';
import type { Command } from './commands.js';

const wanted = z.object({
  note: shownText(200),
  uses: z.coerce.number().int().min(1).max(1_000_000).default(1),
  days: z.coerce.number().int().min(1).max(3650).default(7),
});

/** The commands for initial access tokens, which clients register with (docs/registration.md). */
export const registrationCommands: Readonly<Record<string, Command>> = {
  'create-registration-token': async ([note, ...more], { administration, options, by }) => {
    const { data } = wanted.safeParse({ ...options, note });
    if (more.length > 0 || !data) return undefined;
    const policy = await readPolicy(options.policy);
    const tokens = openInitialAccessTokens(administration);
    const lifetime = data.days * 86_400;
    const { id, token } = await tokens.create({
      ...{ note: data.note, uses: data.uses },
      policy,
      lifetime,
      by,
    });
    return { output: `${token}\n\nIts id is ${id}; the token is not shown again`, status: 0 };
  },

  'list-registration-tokens': async (words, { administration }) => {
    if (words.length > 0) return undefined;
    const all = await openInitialAccessTokens(administration).list();
    const lines = all.map(
      ({ id, value: { note, usesLeft }, expiresAt }) =>
        `${id}  ${usesLeft} left  until ${expiresAt?.toISOString() ?? ''}  ${note}`,
    );
    return { output: lines.join('\n') || 'There are no registration tokens', status: 0 };
  },

  'revoke-registration-token': async ([id, ...more], { administration, by }) => {
    if (!id || more.length > 0) return undefined;
    await openInitialAccessTokens(administration).revoke(id, by);
    return { output: `${id} registers nobody any more`, status: 0 };
  },
};

/** @throws Error with one sentence where the file holds no policy. */
async function readPolicy(file: string | undefined) {
  if (file === undefined) return registrationPolicySchema.parse({});
  try {
    return registrationPolicySchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new Error(`${file} is no registration policy (docs/registration.md)`, { cause });
  }
}
