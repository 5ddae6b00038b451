import type { Collection } from './storage.js';

/** A signed authorization request that its client left here, to be asked for by reference. */
export interface RequestObject {
  readonly clientId: string;
  /** The JWS as it was sent. */
  readonly request: string;
}

/** By the UUID of their reference, for the few minutes until the person is sent. */
export const requestObjects: Collection<RequestObject> = {
  name: 'request_object',
  secretIds: true,
  indexes: [],
  indexValues: () => ({}),
};

/** What every reference begins with (identity-service.md §1.3). */
export const requestUrn = 'urn:x-mh-request:';

/** Takes signed authorization requests, from whoever brings them. */
export interface RequestObjectRegister {
  /**
   * @returns the reference, for `request_uri`; the same for the same request.
   * @throws {Refusal} `invalid_request` where no client of ours that may do so signed it.
   */
  register(request: string): Promise<string>;
}
