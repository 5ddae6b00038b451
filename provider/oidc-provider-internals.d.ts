/** The built-in grant handlers of `oidc-provider`, which it neither exports nor types. */
declare module 'oidc-provider/lib/actions/grants/*.js' {
  import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

  export const parameters: ReadonlySet<string>;
  export function handler(
    provider: Provider,
    helpers: Readonly<Record<string, unknown>>,
    ctx: KoaContextWithOIDC,
  ): Promise<void>;
}

/** What it signs and verifies JSON Web Signatures with; not exported and not typed either. */
declare module 'oidc-provider/lib/helpers/jwt.js' {
  export function verify(
    token: string,
    keys: unknown,
    expected: {
      readonly issuer: string;
      readonly audience: string;
      readonly clockTolerance: number;
    },
  ): Promise<{ readonly payload: Readonly<Record<string, unknown>> }>;
}

/** What its constructor does with `jwks`; not exported and not typed either. */
declare module 'oidc-provider/lib/helpers/initialize_keystore.js' {
  import type { Provider } from 'oidc-provider';

  // biome-ignore lint/style/noDefaultExport: it is how the library exports it.
  export default function initializeKeyStore(this: Provider, jwks: { keys: unknown[] }): void;
}
