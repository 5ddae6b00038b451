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
