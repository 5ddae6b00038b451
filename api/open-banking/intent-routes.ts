import type Router from '@koa/router';
import type { Context } from 'koa';
import type { AccessTokenFacts } from '../../core/access-token.js';
import type { Intent } from '../../core/intent.js';
import type { IntentService } from '../../core/intent-service.js';
import { readJsonBody } from '../read-json-body.js';
import { describeIntent, parseIntentTerms, toTermsError } from './intent-document.js';
import { ObieError } from './obie-error.js';

export interface IntentRouteDeps {
  readonly intentService: IntentService;
  /** Absolute URL of the API, up to and including `/aisp`. */
  readonly baseUrl: string;
}

/** Account access consents of UK Open Banking v3.1, for the client that registers them. */
export function addIntentRoutes(router: Router, deps: IntentRouteDeps): void {
  const { intentService, baseUrl } = deps;

  function answer(ctx: Context, status: number, intent: Intent): void {
    ctx.status = status;
    ctx.body = describeIntent(intent, `${baseUrl}/account-access-consents/${intent.id}`);
  }

  router.post('/account-access-consents', async (ctx) => {
    const clientId = clientOf(ctx.state.token);
    const terms = parseIntentTerms(await readJsonBody(ctx));
    const registered = await intentService.register(clientId, terms);
    if ('member' in registered) throw toTermsError(registered);
    answer(ctx, 201, registered);
  });

  router.get('/account-access-consents/:id', async (ctx) => {
    const clientId = clientOf(ctx.state.token);
    const intent = await intentService.find(clientId, ctx.params.id ?? '');
    if (!intent) throw unknownIntent();
    answer(ctx, 200, intent);
  });

  router.delete('/account-access-consents/:id', async (ctx) => {
    const clientId = clientOf(ctx.state.token);
    if (!(await intentService.withdraw(clientId, ctx.params.id ?? ''))) throw unknownIntent();
    ctx.status = 204;
  });
}

/** The standard wants the client's own token here: no customer is present. */
function clientOf({ clientId, grantId, subject }: AccessTokenFacts): string {
  if (grantId === undefined && subject === undefined) return clientId;
  throw new ObieError(403, {
    code: 'UK.OBIE.Header.Invalid',
    message: 'Consents are managed with a token of the client_credentials grant',
    path: 'Authorization',
  });
}

/** v3.1 answers 400 to an id that does not exist; another client's does not. */
function unknownIntent(): ObieError {
  return new ObieError(400, {
    code: 'UK.OBIE.Resource.NotFound',
    message: 'There is no such consent',
    path: 'ConsentId',
  });
}
