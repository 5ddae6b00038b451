import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { Configuration } from '../../config/schema.js';
import type { KeySigner } from './key-signer.js';
import { limitKeySigner } from './limit-key-signer.js';

type Create = (options: Readonly<Record<string, unknown>>) => unknown;

const moduleSchema = z.object({
  createKeySigner: z.custom<Create>((value) => typeof value === 'function'),
});

const signerSchema = z.custom<KeySigner>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    ['createKey', 'sign', 'destroyKey'].every(
      (name) => typeof Reflect.get(value, name) === 'function',
    ),
);

/**
 * Loads the operator's module of `signing.external`; undefined where none is named.
 * @throws Error with one sentence where it cannot be loaded or is no such module.
 */
export async function loadKeySigner({
  external,
}: Configuration['signing']): Promise<KeySigner | undefined> {
  if (!external) return undefined;
  const { module, options } = external;
  try {
    const { createKeySigner } = moduleSchema.parse(await import(pathToFileURL(module).href));
    return limitKeySigner(signerSchema.parse(await createKeySigner(options)));
  } catch (cause) {
    throw new Error(
      `signing.external.module: ${module} does not export createKeySigner, or that gives no signer: ${
        cause instanceof z.ZodError ? 'see docs/keys.md' : cause
      }`,
      { cause },
    );
  }
}
