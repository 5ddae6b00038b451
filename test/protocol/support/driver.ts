import { createHash } from 'node:crypto';
import { compactDecrypt, decodeJwt, type JWTPayload, jwtVerify } from 'jose';
import { authenticationContexts } from '../../../core/bank-authentication.js';
import { clients } from '../../../core/clients.js';
import { put } from '../../../core/storage.js';
import { subjectOf } from '../../../sandbox/certificate-authority.js';
import { amelia, type Walk } from '../../open-banking/support/open-client.js';
import { openPerson } from '../../open-banking/support/start-bank.js';
import type { ClientKeys } from '../../support/client-keys.js';
import {
  type Answer,
  authorizationRequest,
  createFapiClient,
  type DpopKey,
  readReturn,
  verifier,
} from '../../support/fapi-client.js';
import { seededRedirectUri } from '../../support/seed-code.js';
import type { ProtocolBank } from './start-protocol-bank.js';
import type { Variant } from './variant.js';

export const redirectWithQuery = `${seededRedirectUri}?dummy1=lorem&dummy2=ipsum`;
/** Where the accounts are, and the scope that opens them. */
const apis = {
  own: { path: '/open-banking/v3.1/aisp/accounts', scope: 'accounts', headers: {} },
  consumerDataRight: {
    path: '/cds-au/v1/banking/accounts',
    scope: 'bank:accounts.basic:read',
    headers: { 'x-v': '2' },
  },
};
/** The Consumer Data Right's level of assurance and sharing duration, as its plans ask for them. */
const arrangement = {
  sharing_duration: 7_776_000,
  id_token: { acr: { essential: true, values: ['urn:cds.au:cdr:2'] } },
};
/** As long as ConnectID's plan makes it, and outside of ASCII. */
const purpose = '\u1100'.repeat(280);
/** Where a provider says what it offers, FAPI 1.0's plan asks for it. */
const acr = { essential: true, values: authenticationContexts };
const detail = { type: 'account_information', actions: ['list_accounts', 'read_balances'] };
const weak = ({ publicJwk }: ClientKeys) => ({ ...publicJwk, alg: undefined });

/** Parameters of a request; undefined leaves out what is sent otherwise. */
export type Parameters = Readonly<Record<string, unknown>>;
type Form = Record<string, string>;

/** A request on its way: refused where it was pushed, or where the browser goes with it. */
export type Sent =
  | { readonly refused: Answer }
  | { readonly url: string; readonly answer?: Answer };

export interface SendOptions {
  /** Beside a request object, or beside the parameters that are pushed. */
  readonly beside?: Form;
  readonly headers?: Form;
  /** Of the client assertion. */
  readonly assertion?: JWTPayload;
  /** In place of the request object of the parameters. */
  readonly request?: string;
}

export interface RedeemOptions {
  readonly form?: Form;
  readonly assertion?: JWTPayload;
  /** The DPoP key of the proof, where tokens are bound to one. */
  readonly dpop?: DpopKey;
  /** Of the DPoP proof. */
  readonly proof?: JWTPayload;
}

/** Signs in as a customer of the bank and shares an account, however it is asked for. */
const share: Walk = async (person, page) => {
  const choice = await person.submit(page, 'login', amelia);
  const decision = { decision: 'allow' };
  if (choice.text.includes('/consent"')) return person.submit(choice, 'consent', decision);
  return choice.text.includes('/details"')
    ? person.submit(choice, 'details', { ...decision, 'account-0': ['22289'] })
    : person.submit(choice, 'accounts', { ...decision, account: ['22289'] });
};

/** What is registered of a client of a variant, as its operator would. */
function registrationOf(variant: Variant, holdings: ProtocolBank['holdings']['first']) {
  const { profile, ecosystem, authentication, constraint, request, response } = variant;
  const { keys, weakKeys, certificate, encryption } = holdings;
  const isArrangement = ecosystem === 'consumerdataright_au';
  const isFapi1 = profile === 'fapi1-advanced';
  const isMessageSigning = profile === 'fapi2-message-signing';
  const isSigned = request === 'signed';
  return {
    // Message Signing without either is the profile below it.
    profile:
      isMessageSigning && !isSigned && response === 'plain' ? ('fapi2-security' as const) : profile,
    grant_types: [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      ...(isFapi1 && !isArrangement ? ['implicit'] : []),
    ],
    response_types: isFapi1 && !isArrangement ? ['code', 'code id_token'] : ['code'],
    redirect_uris: [seededRedirectUri, redirectWithQuery],
    id_token_signed_response_alg: 'PS256',
    authorization_details_types: ['account_information'],
    jwks: {
      keys: [keys.publicJwk, weak(weakKeys), ...(isArrangement ? [encryption.publicJwk] : [])],
    },
    tls_client_certificate_bound_access_tokens: constraint === 'mtls',
    dpop_bound_access_tokens: constraint === 'dpop',
    ...(isArrangement && {
      ecosystem: 'consumer-data-right-au' as const,
      subject_type: 'pairwise' as const,
      id_token_encrypted_response_alg: 'RSA-OAEP-256',
      id_token_encrypted_response_enc: 'A256GCM',
    }),
    ...(ecosystem === 'connectid_au' && {
      ecosystem: 'connectid-au' as const,
      subject_type: 'pairwise' as const,
    }),
    ...(isMessageSigning && !isSigned && { require_signed_request_object: false }),
    ...(isMessageSigning && response === 'plain' && { response_modes: ['query'] }),
    ...(authentication === 'mtls'
      ? {
          token_endpoint_auth_method: 'tls_client_auth' as const,
          tls_client_auth_subject_dn: subjectOf(certificate),
        }
      : { token_endpoint_auth_method: 'private_key_jwt' as const }),
  };
}

/** Registers a client of a variant, and gives what drives it, rightly or wrongly. */
export async function createDriver(
  bank: ProtocolBank,
  variant: Variant,
  clientId: string,
  holder: 'first' | 'second' = 'first',
) {
  const holdings = bank.holdings[holder];
  const { keys, weakKeys, dpop, fetch } = holdings;
  const { authentication, constraint, profile, request, response, transport } = variant;
  const isFapi1 = profile === 'fapi1-advanced';
  const isHybrid = isFapi1 && response === 'plain';
  const usesDpop = constraint === 'dpop';
  const needsCertificate = authentication === 'mtls' || !usesDpop;
  const registered = { ...registrationOf(variant, holdings), client_id: clientId };
  await bank.storage.commit([put(clients, clientId, registered)]);

  const how = {
    now: bank.now,
    certificateOnly: authentication === 'mtls',
    ...(needsCertificate && { fetch }),
  };
  const client = createFapiClient(bank, clientId, keys, how);
  const base = needsCertificate ? bank.configuration.mtlsUrl : bank.configuration.publicUrl;
  const tokenUrl = `${base}/oidc/token`;
  const isArrangement = variant.ecosystem === 'consumerdataright_au';
  const api = isArrangement ? apis.consumerDataRight : apis.own;
  const resource = `${base}${variant.resource === 'userinfo' ? '/oidc/userinfo' : api.path}`;
  const scope = [
    ...(variant.openid ? ['openid'] : []),
    ...(variant.resource === 'accounts' ? [api.scope] : []),
  ].join(' ');

  const proof = (url: string, claims: JWTPayload = {}, key = dpop) =>
    key.header('POST', url, { iat: bank.now(), ...claims });

  /** What is asked of the person beside the scopes, and how they are to sign in for it. */
  async function subject(): Promise<Parameters> {
    if (variant.ecosystem === 'connectid_au') return { purpose };
    if (isArrangement) return { claims: arrangement };
    if (variant.asks === 'rar') return { authorization_details: [detail] };
    if (variant.ecosystem === 'plain_fapi') return isFapi1 ? { claims: { id_token: { acr } } } : {};
    const intent = await bank.intentService.register(clientId, {
      permissions: ['ReadAccountsBasic'],
    });
    if ('member' in intent) throw new Error(intent.message);
    return { claims: { id_token: { openbanking_intent_id: { value: intent.id } } } };
  }

  /** The parameters of a request that this variant would send. */
  async function parameters(changes: Parameters = {}): Promise<Parameters> {
    const { code_challenge, code_challenge_method, ...plain } = authorizationRequest;
    return {
      ...plain,
      scope,
      state: 'the-state',
      ...(variant.openid && { nonce: 'the-nonce' }),
      ...(transport === 'pushed' && { code_challenge, code_challenge_method }),
      ...(isHybrid && { response_type: 'code id_token' }),
      ...(response === 'jarm' && { response_mode: 'jwt' }),
      ...(await subject()),
      ...changes,
    };
  }

  /** Sends a request as the variant sends them: in the front channel or pushed, signed or not. */
  async function send(changes: Parameters = {}, options: SendOptions = {}): Promise<Sent> {
    const all = await parameters(changes);
    const signed =
      options.request ??
      (request === 'signed'
        ? await client.requestObject({
            code_challenge: undefined,
            code_challenge_method: undefined,
            ...all,
          })
        : undefined);
    const form = signed === undefined ? toForm(all) : { request: signed };
    if (transport === 'by_value') {
      const outer = { response_type: String(all.response_type), scope: 'openid' };
      return {
        url: client.urlOf({ client_id: clientId, ...outer, ...options.beside, ...form }),
      };
    }
    const answer = await client.push(
      { ...options.beside, ...form },
      options.assertion,
      options.headers,
    );
    return answer.status === 201 ? { url: client.visitUrl(answer), answer } : { refused: answer };
  }

  async function mustSend(changes: Parameters = {}, options: SendOptions = {}) {
    const sent = await send(changes, options);
    if ('refused' in sent) throw new Error(`refused: ${JSON.stringify(sent.refused.body)}`);
    return sent;
  }

  /** What a callback says, its signature verified. */
  async function readAnswer(location: string): Promise<Record<string, unknown>> {
    const answer = readReturn(location);
    if (answer.response === undefined) return answer;
    const { payload } = await jwtVerify(answer.response, bank.published, {
      issuer: bank.issuer,
      audience: clientId,
      currentDate: new Date(bank.clock.now()),
    });
    return { ...payload, isSigned: true };
  }

  /** How a request ends: the error, or undefined where a person is asked. */
  async function refusalOf(sent: Sent | string): Promise<string | undefined> {
    if (typeof sent !== 'string' && 'refused' in sent) {
      const { status, body } = sent.refused;
      if (status < 400 || status >= 500) throw new Error(`a push was answered with ${status}`);
      return String(body.error);
    }
    const page = await openPerson(bank).open(typeof sent === 'string' ? sent : sent.url);
    if (page.url.origin !== bank.configuration.publicUrl) {
      return String((await readAnswer(page.url.href)).error);
    }
    if (page.text.includes('/login"')) return undefined;
    if (page.status !== 400) throw new Error(`${page.status} at ${page.url}`);
    return String(JSON.parse(page.text).error);
  }

  /** Goes through the bank's pages, and comes back. */
  async function goThrough(url: string, walk: Walk = share) {
    const person = openPerson(bank);
    const { url: returned, status, text } = await walk(person, await person.open(url));
    if (returned.origin === bank.configuration.publicUrl) {
      throw new Error(`no way back from ${status} ${text.slice(0, 300)}`);
    }
    return { returned, answer: await readAnswer(returned.href) };
  }

  async function visit(changes: Parameters = {}, options: SendOptions = {}, walk = share) {
    return goThrough((await mustSend(changes, options)).url, walk);
  }

  const isPkce = (form: Form) => transport === 'pushed' && !('code_verifier' in form);

  async function redeem(code: unknown, options: RedeemOptions = {}): Promise<Answer> {
    const { form = {}, assertion, proof: claims, dpop: key } = options;
    return client.token(
      {
        grant_type: 'authorization_code',
        code: String(code),
        redirect_uri: seededRedirectUri,
        ...(isPkce(form) && { code_verifier: verifier }),
        ...form,
      },
      usesDpop ? await proof(tokenUrl, claims, key) : {},
      assertion,
    );
  }

  async function codeFor(changes: Parameters = {}, options: SendOptions = {}): Promise<string> {
    const { answer } = await visit(changes, options);
    if (typeof answer.code !== 'string') throw new Error(`no code: ${JSON.stringify(answer)}`);
    return answer.code;
  }

  return {
    bank,
    variant,
    clientId,
    client,
    keys,
    weakKeys,
    dpop,
    scope,
    usesDpop,
    isHybrid,
    base,
    tokenUrl,
    /** Where a request is pushed to. */
    pushUrl: `${base}/oidc/request`,
    resource,
    /** Sends with the certificate this client has, or without where it needs none. */
    fetch: needsCertificate ? fetch : bank.fetch,
    proof,
    parameters,
    send,
    mustSend,
    refusalOf,
    goThrough,
    visit,
    codeFor,
    redeem,
    /** The same client, with what somebody else signs or shows. */
    disguise: (changes: { keys?: ClientKeys; fetch?: ProtocolBank['fetch'] }) =>
      createFapiClient(bank, clientId, changes.keys ?? keys, {
        ...how,
        ...(changes.fetch && { fetch: changes.fetch }),
      }),
    async tokens(changes: Parameters = {}, options: RedeemOptions = {}) {
      const { status, body } = await redeem(await codeFor(changes), options);
      if (status !== 200) throw new Error(JSON.stringify(body));
      return body;
    },
    async refresh(token: unknown, options: RedeemOptions = {}): Promise<Answer> {
      const { form, assertion, proof: claims, dpop: key } = options;
      const all = { grant_type: 'refresh_token', refresh_token: String(token), ...form };
      return client.token(all, usesDpop ? await proof(tokenUrl, claims, key) : {}, assertion);
    },
    /** Reads the accounts with a token; `headers` replace or extend what is sent. */
    async read(
      token: unknown,
      options: {
        headers?: Form;
        scheme?: string;
        proof?: JWTPayload;
        fetch?: ProtocolBank['fetch'];
        url?: string;
      } = {},
    ) {
      const { scheme = usesDpop ? 'DPoP' : 'Bearer', url = resource } = options;
      const ath = createHash('sha256').update(String(token)).digest('base64url');
      const claims = { iat: bank.now(), ath, ...options.proof };
      const proven = usesDpop ? await dpop.header('GET', resource, claims) : {};
      const send = options.fetch ?? (needsCertificate ? fetch : bank.fetch);
      const answer = await send(url, {
        headers: {
          authorization: `${scheme} ${token}`,
          ...api.headers,
          ...proven,
          ...options.headers,
        },
      });
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, text };
    },
    /** The claims of an ID token, its signature verified. */
    async readIdToken(token: unknown): Promise<JWTPayload> {
      const signed = isArrangement
        ? (await compactDecrypt(String(token), holdings.encryption.privateKey)).plaintext
        : String(token);
      const { payload } = await jwtVerify(signed, bank.published, {
        issuer: bank.issuer,
        audience: clientId,
        currentDate: new Date(bank.clock.now()),
      });
      return payload;
    },
    decode: decodeJwt,
  };
}

export type Driver = Awaited<ReturnType<typeof createDriver>>;

/** A client and another one of the same variant, whose things it may try to use. */
export interface Pair {
  readonly first: Driver;
  readonly second: Driver;
}

/** As `application/x-www-form-urlencoded` has parameters: text, and JSON where they are structured. */
export function toForm(parameters: Parameters): Form {
  return Object.fromEntries(
    Object.entries(parameters)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
