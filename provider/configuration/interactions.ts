import { type Configuration, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';

const { Check, Prompt } = interactionPolicy;

/**
 * Every authorization is a visit of the person: who they are comes from the request and the bank,
 * never from an earlier session, and nothing is shared without being asked. One interaction runs all
 * steps (`interactions/`), so one prompt is enough; its result carries the account and the consent.
 */
export function interactionConfiguration(publicUrl: string) {
  return {
    interactions: {
      policy: [
        new Prompt(
          { name: 'consent', requestable: true },
          new Check(
            'visit_required',
            'the person has to visit this service',
            (ctx) => ctx.oidc.result?.consent === undefined,
          ),
        ),
        new Prompt({ name: 'login', requestable: true }),
      ],
      url: (_ctx, interaction) => `${publicUrl}/interaction/${interaction.uid}`,
    },
    async loadExistingGrant(ctx: KoaContextWithOIDC) {
      const grantId = ctx.oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
    },
    cookies: {
      names: {
        session: '__Host-assent-session',
        // Scoped by path to one interaction each, so `__Host-`, which demands `/`, cannot be used.
        interaction: '__Secure-assent-interaction',
        resume: '__Secure-assent-resume',
      },
      long: { httpOnly: true, sameSite: 'lax', secure: true, signed: false },
      short: { httpOnly: true, sameSite: 'lax', secure: true, signed: false },
    },
  } satisfies Partial<Configuration>;
}
