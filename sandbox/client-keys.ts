import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { z } from 'zod';
import { writePrivateFile } from './write-private-file.js';

/** What identifies one client of this installation. */
export interface ClientKeys {
  /** UUID, as the identity service's client ids are. */
  readonly clientId: string;
  readonly secret: string;
  /** Private, with `kid`, `alg` and `use`. */
  readonly jwk: PrivateJwk;
}

export type SigningAlgorithm = 'ES256' | 'PS256';
export type PrivateJwk = JWK & { readonly kid: string; readonly alg: string };

const storedKeys = z.object({
  clientId: z.uuid(),
  secret: z.string().min(32),
  jwk: z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() }),
});

/**
 * Reads a client's keys, or makes them on the first start: every installation has its own, since what
 * is printed in a repository is no secret.
 * @param path a JSON file, readable by its owner only.
 */
export async function openClientKeys(
  path: string,
  algorithm: SigningAlgorithm,
): Promise<ClientKeys> {
  const stored = await readFile(path, 'utf8').then(
    (text) => storedKeys.safeParse(parseJson(text)).data,
    () => undefined,
  );
  if (stored) return stored;
  const keys = {
    clientId: randomUUID(),
    secret: randomBytes(32).toString('base64url'),
    jwk: await createJwk(algorithm),
  };
  await writePrivateFile(path, JSON.stringify(keys, null, 2));
  return keys;
}

/** The public half of a signing key. */
export function publicJwk({ kty, kid, alg, use, crv, x, y, n, e }: JWK): JWK {
  return JSON.parse(JSON.stringify({ kty, kid, alg, use, crv, x, y, n, e }));
}

async function createJwk(alg: SigningAlgorithm): Promise<PrivateJwk> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: randomUUID(), alg, use: 'sig' };
}

/** A damaged file counts as none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
