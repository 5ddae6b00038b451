import { readFile } from 'node:fs/promises';
import Router from '@koa/router';
import type { Context } from 'koa';
import { Agent } from 'undici';
import { z } from 'zod';
import type { Exchange } from '../../consent-ui/components/exchange-view.js';
import { formatDateTime } from '../../consent-ui/format-date.js';
import { TppStepPage } from '../../consent-ui/pages/tpp-step-page.js';
import { renderPage } from '../../consent-ui/render-page.js';
import type { Clock } from '../../core/clock.js';
import { Refusal } from '../../core/refusal.js';
import { readBody } from '../../http/read-body.js';
import { sandboxClientNames, type TppDocument } from '../tpp-document.js';
import { brand } from './brand.js';
import { type ReceivedEvent, receiveWebhook } from './receive-webhook.js';

interface EventRoutesDeps {
  readonly tpp: TppDocument;
  /** Where this application is, without a path. */
  readonly tppUrl: string;
  readonly clock: Clock;
}

/** What the page shows, at most. */
const shown = 50;
const maxBytes = 512 * 1024;

/** Where Assent tells each client what happened (`/webhooks/<client>`), and the page that shows it. */
export async function createEventRoutes({ tpp, tppUrl, clock }: EventRoutesDeps) {
  const dispatcher = new Agent({ connect: { ca: await readFile(tpp.ca, 'utf8') } });
  const received = new Map<string, Exchange>();
  const router = new Router();

  router.post('/webhooks/:client', async (ctx) => {
    const name = z.enum(sandboxClientNames).safeParse(ctx.params.client).data;
    if (!name) throw new Refusal('not_found', 'There is no such client.');
    const text = (await readBody(ctx.req, maxBytes))?.toString();
    if (text === undefined) throw new Refusal('invalid_request', 'The webhook is too large.');
    const contentType = ctx.is('application/jwt') || 'application/json';
    const { client_id: clientId } = tpp.clients[name];
    const { issuer } = tpp;
    const event = await receiveWebhook({ contentType, text }, clientId, { issuer, dispatcher });
    keep(`${name} ${event.id}`, {
      title: event.eventType,
      explanation: `For ${name}, about user ${event.userId}. ${formatDateTime(new Date(clock.now()))}.`,
      ...exchangeOf(ctx, contentType, event),
    });
    ctx.status = 204;
  });

  function exchangeOf(ctx: Context, contentType: string, { body, decoded }: ReceivedEvent) {
    const headers = { 'content-type': contentType };
    return {
      request: { method: 'POST', url: `${tppUrl}${ctx.path}`, headers, body },
      response: { status: 204, headers: {} },
      decoded,
    };
  }

  /** What comes a second time takes the place of the first. */
  function keep(id: string, exchange: Exchange): void {
    received.delete(id);
    received.set(id, exchange);
    for (const oldest of received.keys()) {
      if (received.size <= shown) break;
      received.delete(oldest);
    }
  }

  router.get('/events', (ctx) => {
    ctx.type = 'html';
    ctx.body = renderPage(
      <TppStepPage
        brand={brand}
        title="Events"
        intro={
          received.size === 0
            ? 'Assent has told this application of nothing yet. Connect a bank, or move the time.'
            : 'What Assent told this application by webhooks, the newest first.'
        }
        exchanges={[...received.values()].reverse()}
        next={{ href: '/', label: 'Back to the start' }}
      />,
    );
  });

  return { router, close: () => dispatcher.close() };
}
