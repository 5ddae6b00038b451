import { clientCredentialsGrant } from 'openid-client';
import { z } from 'zod';
import type { Exchange } from '../../consent-ui/components/exchange-view.js';
import { longestConsent } from '../../core/connection-request.js';
import { dataScopes } from './begin-journey.js';
import { callApi } from './call-api.js';
import {
  type AccountDocument,
  accountsDocument,
  type TransactionsDocument,
  transactionsDocument,
} from './documents.js';
import type { Connected, Journey } from './journey.js';
import type { OAuthClient, Step } from './oauth-client.js';
import { StepFailure } from './step-failure.js';

/** A journey that came to its connection. */
export type ConnectedJourney = Journey & { readonly connected: Connected };

export interface ReadDeps {
  readonly client: OAuthClient;
  /** Base of the APIs. */
  readonly api: string;
}

interface WithExchanges {
  readonly exchanges: readonly Exchange[];
}

/** The accounts of the connection. @throws {StepFailure} */
export function readAccounts(
  { client, api }: ReadDeps,
  journey: ConnectedJourney,
): Promise<WithExchanges & { readonly accounts: readonly AccountDocument[] }> {
  return inStep(client, journey, async (step) => {
    const accessToken = await dataToken(step, journey);
    const url = new URL('/v3/accounts', api);
    const { data } = await callApi(step, { accessToken, url, document: accountsDocument });
    return { accounts: data };
  });
}

/** A page of transactions, with the balances of their account. @throws {StepFailure} */
export function readTransactions(
  { client, api }: ReadDeps,
  journey: ConnectedJourney,
  { accountId, next }: { readonly accountId: string; readonly next: string | undefined },
): Promise<WithExchanges & { readonly page: TransactionsDocument }> {
  return inStep(client, journey, async (step) => {
    const accessToken = await dataToken(step, journey);
    const account = `/v3/accounts/${encodeURIComponent(accountId)}`;
    const balances = new URL(`${account}/balances`, api);
    await callApi(step, { accessToken, url: balances, document: z.unknown() });
    const url = new URL('/v3/transactions', api);
    url.search = next ?? new URLSearchParams({ accountId, limit: '25' }).toString();
    return { page: await callApi(step, { accessToken, url, document: transactionsDocument }) };
  });
}

/** The user's connections; ongoing access only. @throws {StepFailure} */
export function listConnections(
  { client, api }: ReadDeps,
  journey: ConnectedJourney,
): Promise<WithExchanges> {
  return inStep(client, journey, async (step) => {
    const accessToken = await managementToken(step, 'connection:read');
    const url = new URL(`/users/${journey.connected.userId}/connections`, api);
    await callApi(step, { accessToken, url, document: z.unknown() });
    return {};
  });
}

/**
 * Extends the consent by as much as there is, as agreed on a screen of the client's own; for clients
 * that have such screens only. @throws {StepFailure}
 */
export function extendConnection(
  { client, api }: ReadDeps,
  journey: ConnectedJourney,
  now: number,
): Promise<WithExchanges> {
  const { userId, connectionId } = journey.connected;
  return inStep(client, journey, async (step) => {
    const accessToken = await managementToken(step, 'connection:update');
    const url = new URL(`/users/${userId}/connections/${connectionId}`, api);
    const body = { expiresAt: new Date(now + longestConsent).toISOString() };
    await callApi(step, { accessToken, method: 'PATCH', url, body, document: z.unknown() });
    return {};
  });
}

/** Ends the connection, here and at the bank. @throws {StepFailure} */
export function deleteConnection(
  { client, api }: ReadDeps,
  journey: ConnectedJourney,
): Promise<WithExchanges> {
  const { userId, connectionId } = journey.connected;
  return inStep(client, journey, async (step) => {
    const accessToken = await managementToken(step, 'connection:delete');
    const url = new URL(`/users/${userId}/connection/${connectionId}`, api);
    await callApi(step, { accessToken, method: 'DELETE', url, document: z.unknown() });
    return {};
  });
}

/** One-time access reads with the token of the code; ongoing access asks for one whenever it reads. */
async function dataToken(step: Step, { choice, connected }: ConnectedJourney): Promise<string> {
  if (choice.access === 'one-time' && connected.accessToken) return connected.accessToken;
  const tokens = await clientCredentialsGrant(
    step.configuration,
    { scope: dataScopes, sub: connected.userId },
    step.dpop,
  );
  return tokens.access_token;
}

async function managementToken(step: Step, scope: string): Promise<string> {
  const tokens = await clientCredentialsGrant(step.configuration, { scope }, step.dpop);
  return tokens.access_token;
}

async function inStep<Result>(
  client: OAuthClient,
  journey: Journey,
  act: (step: Step) => Promise<Result>,
): Promise<Result & WithExchanges> {
  const step = await client.begin(journey.server);
  try {
    return { ...(await act(step)), exchanges: step.exchanges };
  } catch (cause) {
    throw new StepFailure(step.exchanges, cause);
  }
}
