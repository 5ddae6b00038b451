import type { IncomingMessage } from 'node:http';
import type { Configuration, RegistrationDirectory } from '../../config/schema.js';
import { BrokenRules } from '../../core/broken-rule.js';
import type { Clock } from '../../core/clock.js';
import type { Allowance, ManagedClient } from '../../core/registration/client-registration.js';
import {
  type InitialAccessTokens,
  spendToken,
} from '../../core/registration/initial-access-tokens.js';
import { RegistrationRefused } from '../../core/registration/registration-refused.js';
import {
  registrationUses,
  type SoftwareStatement,
  useStatement,
} from '../../core/registration/software-statement.js';
import { insert, type Storage, type Write } from '../../core/storage.js';
import type { FetchKeys } from '../../http/remote-keys.js';
import { showsIdentity } from './certificate-identity.js';
import type { RegistrationRequest } from './read-registration-request.js';
import {
  claimsOf,
  readKeptStatement,
  verifySignedRegistration,
  verifyStatement,
} from './verify-statement.js';

export interface AllowanceDeps {
  readonly registration: Configuration['registration'];
  readonly storage: Storage;
  readonly clock: Clock;
  readonly fetchKeys: FetchKeys;
  readonly tokens: InitialAccessTokens;
  /** What signed requests may be made for: the issuer and the endpoint. */
  readonly audiences: readonly string[];
}

/** What a request says of its client, and what lets it say that. */
export interface AllowedRegistration {
  readonly members: Readonly<Record<string, unknown>>;
  readonly allow: () => Promise<Allowance>;
}

/** Who may register, and who may change what they registered. */
export interface RegistrationGate {
  /** @throws {RegistrationRefused} */
  admit(
    request: RegistrationRequest,
    from: { readonly incoming: IncomingMessage; readonly bearer: string | undefined },
  ): Promise<AllowedRegistration>;
  /** A change by a client that proved itself. @throws {RegistrationRefused} */
  admitUpdate(
    request: RegistrationRequest,
    client: ManagedClient,
    incoming: IncomingMessage,
  ): Promise<AllowedRegistration>;
  /**
   * Holds a client of a directory to its certificate, where the directory wants one (SEC-49).
   * @throws {RegistrationRefused} `invalid_token`, or `unapproved_software_statement` where the directory is gone.
   */
  assertIdentity(client: ManagedClient, incoming: IncomingMessage): void;
  /**
   * Whether a client manages itself with access tokens of its own, from the client credentials grant:
   * those of directories whose requests are signed (UK Open Banking DCR v3.2 §Endpoints).
   */
  takesOwnTokens(client: ManagedClient): boolean;
}

/**
 * UK Open Banking DCR v3.2 §"Data mapping": what a signed request must have. It calls `mobile` what
 * OpenID Connect, and since v3.4 it too, calls `native`.
 */
const mandatory = [
  'redirect_uris',
  'token_endpoint_auth_method',
  'grant_types',
  'application_type',
  'id_token_signed_response_alg',
  'request_object_signing_alg',
];

/** See {@link RegistrationGate}. */
export function createRegistrationGate(deps: AllowanceDeps): RegistrationGate {
  const { registration, storage, clock, tokens, audiences } = deps;

  async function admitStatement(
    text: string,
    request: RegistrationRequest,
    incoming: IncomingMessage,
  ): Promise<AllowedRegistration & { readonly statement: SoftwareStatement }> {
    const { directory, statement } = await verifyStatement(text, registration.directories, deps);
    if (!showsIdentity(incoming, directory, statement, clock)) {
      const message = 'The certificate is not that of the software in the software statement';
      throw new RegistrationRefused('unapproved_software_statement', message);
    }
    const { members, uses } = await open(request, directory, statement);
    const allow = async () => ({
      ...termsOf(directory),
      statement,
      async use(clientId: string) {
        return [...(await useStatement(storage, statement, clientId)), ...(await uses(clientId))];
      },
    });
    return { members, allow, statement };
  }

  /** The members of a request whose statement is trusted, and the writes that use its signature up. */
  async function open(
    request: RegistrationRequest,
    directory: RegistrationDirectory,
    statement: SoftwareStatement,
  ) {
    if ('members' in request) {
      if (!directory.signedRequests) return { members: request.members, uses: async () => [] };
      const message = 'The registration must be signed by the client and sent as application/jose';
      throw new RegistrationRefused('invalid_client_metadata', message);
    }
    const accepted = [...audiences, ...(directory.audience ? [directory.audience] : [])];
    const { signed } = request;
    const { members, id, usableUntil } = await verifySignedRegistration(
      ...([signed, statement, accepted, deps] as const),
    );
    const { application_type: kind } = members;
    const missing = mandatory.filter((member) => members[member] === undefined);
    if (missing.length > 0) {
      const clause = 'UK Open Banking DCR v3.2';
      throw new BrokenRules(missing.map((member) => ({ member, rule: 'is required', clause })));
    }
    const key = `request:${directory.name}:${statement.softwareId}:${id}`;
    const uses = async (clientId: string): Promise<readonly Write[]> => {
      if (await storage.get(registrationUses, key)) {
        const message = 'The signed registration request was used already';
        throw new RegistrationRefused('invalid_client_metadata', message);
      }
      return [insert(registrationUses, key, { clientId }, usableUntil)];
    };
    return {
      members: { ...members, ...(kind === 'mobile' && { application_type: 'native' }) },
      uses,
    };
  }

  async function allowToken(bearer: string): Promise<Allowance> {
    const token = await tokens.find(bearer);
    if (!token) {
      const message = 'The initial access token is unknown, expired, revoked or used up';
      throw new RegistrationRefused('invalid_token', message);
    }
    const { policy } = token.value;
    return { by: `token:${token.id}`, policy, use: async () => [spendToken(token)] };
  }

  function directoryOf({ registration: { by } }: ManagedClient) {
    if (!by.startsWith('directory:')) return undefined;
    const directory = registration.directories.find(({ name }) => by === `directory:${name}`);
    if (directory) return directory;
    const message = 'The directory that this client came from is not trusted any more';
    throw new RegistrationRefused('unapproved_software_statement', message, { status: 403 });
  }

  return {
    async admit(request, { incoming, bearer }) {
      const statement = statementIn(request);
      if (statement !== undefined) return admitStatement(statement, request, incoming);
      if (!('members' in request)) throw withoutStatement();
      const { members } = request;
      if (bearer !== undefined) return { members, allow: () => allowToken(bearer) };
      const { anyone } = registration;
      if (!anyone) {
        const message = 'Registering needs a software statement or an initial access token';
        throw new RegistrationRefused('invalid_token', message);
      }
      const allow = async () => ({ by: 'anyone', policy: anyone, use: async () => [] });
      return { members, allow };
    },

    async admitUpdate(request, client, incoming) {
      const { value: before } = client.stored;
      const directory = directoryOf(client);
      const text = statementIn(request);
      if (text !== undefined) {
        const admitted = await admitStatement(text, request, incoming);
        const { statement } = admitted;
        const isSame =
          statement.directory === directory?.name &&
          statement.softwareId === before.software_id &&
          statement.organisationId === before.organisation_id;
        if (isSame) return admitted;
        const message = 'The software statement is of other software than this client';
        throw new RegistrationRefused('invalid_software_statement', message);
      }
      if (!('members' in request)) throw withoutStatement();
      const { members } = request;
      if (!directory) {
        const { by, policy } = client.registration;
        return { members, allow: async () => ({ by, policy, use: async () => [] }) };
      }
      const kept = before.software_statement;
      if (directory.signedRequests || typeof kept !== 'string') throw withoutStatement();
      const statement = readKeptStatement(kept, directory.name);
      if (!statement) throw withoutStatement();
      const allow = async () => ({ ...termsOf(directory), statement, use: async () => [] });
      return { members, allow };
    },

    takesOwnTokens: (client) => directoryOf(client)?.signedRequests === true,

    assertIdentity(client, incoming) {
      const directory = directoryOf(client);
      const { organisation_id: organisation, software_id: software } = client.stored.value;
      const identity = { organisationId: textOf(organisation), softwareId: textOf(software) };
      if (directory && !showsIdentity(incoming, directory, identity, clock)) {
        const message = "The certificate is not that of this client's software";
        throw new RegistrationRefused('invalid_token', message);
      }
    },
  };
}

function termsOf({ name, policy, scopesByRole }: RegistrationDirectory) {
  return { by: `directory:${name}`, policy, scopesByRole };
}

function statementIn(request: RegistrationRequest): string | undefined {
  const members = 'members' in request ? request.members : claimsOf(request.signed);
  const statement = members?.software_statement;
  if (statement === undefined || statement === null) return undefined;
  if (typeof statement === 'string') return statement;
  const message = 'The software statement must be a signed JWT';
  throw new RegistrationRefused('invalid_software_statement', message);
}

function withoutStatement(): RegistrationRefused {
  const message = 'The registration must hold a software statement';
  return new RegistrationRefused('invalid_software_statement', message);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
