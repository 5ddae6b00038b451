import { type Configuration, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { remembersPeople } from '../profiles/profiles.js';

const { base, Check } = interactionPolicy;

/**
 * Every authorization is a visit of the person: who they are comes from the request and the bank,
 * never from an earlier session, and nothing is shared without being asked. One interaction runs all
 * steps (`interactions/`), so one prompt is enough; its result carries the account and the consent.
 * Only for clients whose profile remembers people is it the library that tells what is left to ask.
 */
export function interactionConfiguration(publicUrl: string) {
  return {
    interactions: {
      policy: createPolicy(),
      url: (_ctx, interaction) => `${publicUrl}/interaction/${interaction.uid}`,
    },
    async loadExistingGrant({ oidc }: KoaContextWithOIDC) {
      const { client, provider, result, session } = oidc;
      const remembered =
        client && remembersPeople(client) ? session?.grantIdFor(client.clientId) : undefined;
      const grantId = result?.consent?.grantId ?? remembered;
      return grantId === undefined ? undefined : provider.Grant.find(grantId);
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

function createPolicy() {
  const policy = base();
  for (const { checks } of policy) {
    for (const one of checks.filter(({ reason }) => !reason.endsWith('_prompt'))) {
      const { check } = one;
      one.check = async (ctx) => remembersPeople(ctx.oidc.client) && check(ctx);
    }
  }
  policy
    .get('consent')
    ?.checks.add(
      new Check(
        'visit_required',
        'the person has to visit this service',
        'consent_required',
        ({ oidc }) => !remembersPeople(oidc.client) && oidc.result?.consent === undefined,
      ),
    );
  return policy;
}
