import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { z } from 'zod';

const fileSchema = z.object({
  client_id: z.string(),
  /** Whose Admin API it opens. */
  issuer: z.url(),
  key: z.looseObject({ kty: z.string() }),
});

/** What an operator keeps: who they are, where, and the private key that proves it. */
export type OperatorKey = z.infer<typeof fileSchema>;

/** A new key for signing with ES256, and its public half. */
export async function makeOperatorKey(): Promise<{ readonly key: JWK; readonly publicJwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const named = { kid: randomUUID(), alg: 'ES256', use: 'sig' };
  return {
    key: { ...(await exportJWK(privateKey)), ...named },
    publicJwk: { ...(await exportJWK(publicKey)), ...named },
  };
}

/**
 * Writes the key into a new file that its owner alone can read, does what needs it, and takes the file
 * away again where that fails. @throws where there is a file of that name: it may be another's key.
 */
export async function withKeyFile(
  path: string,
  key: object,
  work: () => Promise<void>,
): Promise<void> {
  await writeFile(path, `${JSON.stringify(key, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    await work();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** @throws Error with one sentence where the file is no operator's key. */
export async function readOperatorKey(path: string): Promise<OperatorKey> {
  const text = await readFile(path, 'utf8');
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${path} is no key file of create-operator`, { cause });
  }
}
