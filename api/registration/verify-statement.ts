import { createLocalJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import type { RegistrationDirectory } from '../../config/schema.js';
import type { Clock } from '../../core/clock.js';
import { usableKeys } from '../../core/public-key.js';
import { RegistrationRefused } from '../../core/registration/registration-refused.js';
import {
  metadataOfStatement,
  type SoftwareStatement,
} from '../../core/registration/software-statement.js';
import { type FetchKeys, NoRemoteKeys } from '../../http/remote-keys.js';

/** FAPI 2.0 SP §5.4.1; UK Open Banking signs with PS256. */
const algorithms = ['PS256', 'ES256'];
/** How far clocks may be off (seconds). */
const clockTolerance = 60;

interface VerificationDeps {
  readonly fetchKeys: FetchKeys;
  readonly clock: Clock;
}

interface KeySource {
  readonly jwks?: unknown;
  readonly jwksUri?: unknown;
}

const keySet = z.object({ keys: z.array(z.unknown()) }).catch({ keys: [] });

const text = z.string().min(1).max(2048);
const statementClaims = z.looseObject({
  iss: text,
  iat: z.number(),
  exp: z.number().optional(),
  jti: text,
  software_id: text,
  org_id: text.optional(),
  organisation_id: text.optional(),
  software_roles: z.array(text).max(100).default([]),
});

/**
 * Verifies a software statement: of a directory that is trusted, signed by it, and fresh.
 * @throws {RegistrationRefused} `unapproved_software_statement` of another issuer or of software that
 * its directory does not approve, else `invalid_software_statement`.
 */
export async function verifyStatement(
  statement: string,
  directories: readonly RegistrationDirectory[],
  deps: VerificationDeps,
): Promise<{ readonly directory: RegistrationDirectory; readonly statement: SoftwareStatement }> {
  const issuer = claimsOf(statement)?.iss;
  if (issuer === undefined) throw invalidStatement('is no signed JWT with an issuer');
  const directory = directories.find((one) => one.issuer === issuer);
  if (!directory) {
    const message = 'The software statement is not of a directory that is trusted here';
    throw new RegistrationRefused('unapproved_software_statement', message);
  }
  const payload = await verify(statement, directory, deps, invalidStatement);
  const { data: claims } = statementClaims.safeParse(payload);
  if (!claims) throw invalidStatement('must have iss, iat, jti and software_id');
  const usableUntil = fresh(claims, directory.statementAge, deps.clock, invalidStatement);
  for (const status of ['org_status', 'software_status']) {
    const said = claims[status];
    if (said !== undefined && !(typeof said === 'string' && /^active$/i.test(said))) {
      const message = `The directory says in ${status} that this software is not active`;
      throw new RegistrationRefused('unapproved_software_statement', message);
    }
  }
  return {
    directory,
    statement: describeStatement(statement, claims, directory.name, usableUntil),
  };
}

/**
 * What a statement says that was verified before, when its client was registered.
 * @returns undefined where it is none: an operator may have written another.
 */
export function readKeptStatement(
  statement: string,
  directory: string,
): SoftwareStatement | undefined {
  const { data: claims } = statementClaims.safeParse(claimsOf(statement));
  if (!claims) return undefined;
  return describeStatement(statement, claims, directory, new Date(0));
}

function describeStatement(
  text: string,
  claims: z.infer<typeof statementClaims>,
  directory: string,
  usableUntil: Date,
): SoftwareStatement {
  const metadata = metadataOfStatement(claims);
  const { organisation_id: organisation } = metadata;
  return {
    ...{ text, directory, id: claims.jti, usableUntil, metadata },
    softwareId: claims.software_id,
    // The one that the client's record has: it is compared with that.
    organisationId: typeof organisation === 'string' ? organisation : undefined,
    roles: claims.software_roles,
  };
}

const requestClaims = z.looseObject({ iss: text, iat: z.number(), exp: z.number(), jti: text });
const envelope = ['iss', 'aud', 'iat', 'exp', 'nbf', 'jti', 'sub'];

/** A registration that its client signed (UK Open Banking DCR v3.2). */
export interface SignedRegistration {
  readonly members: Readonly<Record<string, unknown>>;
  readonly id: string;
  readonly usableUntil: Date;
}

/**
 * Verifies a signed registration request by the keys of the statement that it carries.
 * @param audiences one of which it must be made for.
 * @throws {RegistrationRefused} `invalid_client_metadata`.
 */
export async function verifySignedRegistration(
  request: string,
  { metadata, softwareId }: SoftwareStatement,
  audiences: readonly string[],
  deps: VerificationDeps,
): Promise<SignedRegistration> {
  const keys = { jwks: metadata.jwks, jwksUri: metadata.jwks_uri };
  const payload = await verify(request, keys, deps, invalidRequest, audiences);
  const { data: claims } = requestClaims.safeParse(payload);
  if (!claims) throw invalidRequest('must have iss, iat, exp and jti');
  if (claims.iss !== softwareId) throw invalidRequest('must have the software_id as its iss');
  const usableUntil = fresh(claims, 3600, deps.clock, invalidRequest);
  const members = Object.entries(claims).filter(([member]) => !envelope.includes(member));
  return { members: Object.fromEntries(members), id: claims.jti, usableUntil };
}

/** The claims of a JWT, not verified; undefined where it is none. */
export function claimsOf(jwt: string): JWTPayload | undefined {
  try {
    return decodeJwt(jwt);
  } catch {
    return undefined;
  }
}

type Refuse = (what: string, cause?: unknown) => RegistrationRefused;

async function verify(
  jwt: string,
  { jwks, jwksUri }: KeySource,
  { fetchKeys, clock }: VerificationDeps,
  refuse: Refuse,
  audience?: readonly string[],
): Promise<JWTPayload> {
  const attempt = async (keys: unknown) => {
    const usable = { keys: [...usableKeys(keySet.parse(keys).keys)] };
    const { payload } = await jwtVerify(jwt, createLocalJWKSet(usable), {
      ...{ algorithms, clockTolerance, currentDate: new Date(clock.now()) },
      ...(audience && { audience: [...audience] }),
    });
    return payload;
  };
  try {
    if (typeof jwksUri !== 'string') return await attempt(jwks);
    try {
      return await attempt(await fetchKeys(jwksUri));
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // The key may be newer than what is kept.
      return await attempt(await fetchKeys(jwksUri, 0));
    }
  } catch (cause) {
    if (cause instanceof NoRemoteKeys) {
      throw refuse(`could not be verified, its keys could not be read: ${cause.message}`, cause);
    }
    // Of WebCrypto, where key and signature do not go together.
    const isFault = cause instanceof TypeError || cause instanceof DOMException;
    if (isFault || cause instanceof errors.JOSEError) {
      throw refuse(`is not valid: ${describe(cause)}`, cause);
    }
    throw cause;
  }
}

/** In words of ours: what `jose` says may repeat what was sent. */
function describe(error: Error): string {
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `its ${error.claim} is wrong`;
  if (error instanceof errors.JOSEAlgNotAllowed)
    return `it must be signed by ${algorithms.join(' or ')}`;
  if (error instanceof errors.JWKSNoMatchingKey)
    return 'it is signed by a key that is not published';
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'it must name its key by kid';
  return 'its signature is wrong';
}

/** @returns until when. */
function fresh(
  { iat, exp }: { readonly iat: number; readonly exp?: number | undefined },
  age: number,
  clock: Clock,
  refuse: Refuse,
): Date {
  const now = clock.now() / 1000;
  if (iat > now + clockTolerance) throw refuse('is from the future, by its iat');
  if (iat + age + clockTolerance < now) throw refuse('is too old, by its iat');
  const end = Math.min(iat + age, exp ?? Number.POSITIVE_INFINITY) + 2 * clockTolerance;
  return new Date(end * 1000);
}

function invalidStatement(what: string, cause?: unknown): RegistrationRefused {
  const message = `The software statement ${what}`;
  return new RegistrationRefused('invalid_software_statement', message, { cause });
}

function invalidRequest(what: string, cause?: unknown): RegistrationRefused {
  const message = `The signed registration request ${what}`;
  return new RegistrationRefused('invalid_client_metadata', message, { cause });
}
