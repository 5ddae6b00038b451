import type { X509Certificate } from 'node:crypto';
import { BrokenRules } from './broken-rule.js';
import { commitChanges } from './change-client.js';
import { compareClients, recordChange } from './client-change.js';
import type { ClientRules } from './client-rules.js';
import { type Author, type ClientRecord, clients, type OperatorScope } from './clients.js';
import type { Clock } from './clock.js';
import { Refusal } from './refusal.js';
import { insert, remove, type Storage } from './storage.js';

/** What an operator proves itself by: a key of its own, or a certificate (RFC 8705 §2.2). */
export type OperatorCredential =
  | { readonly publicJwk: object }
  | { readonly certificate: X509Certificate };

export interface NewOperator {
  readonly clientId: string;
  readonly name: string;
  readonly scopes: readonly OperatorScope[];
  readonly credential: OperatorCredential;
}

interface OperatorDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly rules: ClientRules;
}

/**
 * Makes a client that may administer the others. Its tokens are bound to its key or certificate: one
 * that is stolen opens nothing. For the command alone.
 * @throws {BrokenRules} where the key or certificate is not good enough.
 */
export async function createOperator(
  { storage, clock, rules }: OperatorDeps,
  { clientId, name, scopes, credential }: NewOperator,
  by: Author,
): Promise<void> {
  const at = new Date(clock.now());
  const record: ClientRecord = {
    client_id: clientId,
    client_id_issued_at: Math.floor(clock.now() / 1000),
    managed_by: 'api',
    operator: scopes,
    client_name: name,
    profile: 'fapi2-security',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    ...toMetadata(credential),
  };
  const broken = await rules.findBroken(record);
  if (broken.length > 0) throw new BrokenRules(broken);
  const changes = compareClients(undefined, record);
  await commitChanges(storage, [
    insert(clients, clientId, { ...record, updated_at: at.toISOString(), updated_by: by }),
    recordChange(clientId, 'created', changes, { by, at }),
  ]);
}

/** Removes an operator; its tokens end with it. @throws {Refusal} `not_found` */
export async function removeOperator(
  { storage, clock }: Omit<OperatorDeps, 'rules'>,
  clientId: string,
  by: Author,
): Promise<void> {
  const stored = await storage.get(clients, clientId);
  if (!stored?.value.operator) throw new Refusal('not_found', 'There is no such operator');
  const changes = compareClients(stored.value, undefined);
  await commitChanges(storage, [
    remove(clients, clientId, stored.version),
    recordChange(clientId, 'deleted', changes, { by, at: new Date(clock.now()) }),
  ]);
}

function toMetadata(credential: OperatorCredential) {
  if ('publicJwk' in credential) {
    return {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [credential.publicJwk] },
      dpop_bound_access_tokens: true,
    };
  }
  const { publicKey, raw } = credential.certificate;
  return {
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), x5c: [raw.toString('base64')] }] },
    tls_client_certificate_bound_access_tokens: true,
  };
}
