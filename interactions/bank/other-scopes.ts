import type { ResourceConfiguration } from '../../config/schema.js';
import type { InteractionSession } from '../interaction-session.js';
import type { ResourceScopes } from '../save-grant.js';

/** What a request asks for at one of the resources that the bank protects itself. */
export interface OtherScopes extends ResourceScopes {
  readonly name: string;
  /** What each scope allows, in the bank's words. */
  readonly what: readonly string[];
}

/** The scopes of a request at each such resource that it names; a resource without any is left out. */
export function readOtherScopes(
  { resources: named, scopes: asked }: InteractionSession,
  resources: readonly ResourceConfiguration[],
): readonly OtherScopes[] {
  return resources
    .filter(({ identifier }) => named.includes(identifier))
    .map(({ identifier, name, scopes: known }) => {
      const granted = Object.entries(known).filter(([scope]) => asked.includes(scope));
      return {
        identifier,
        name,
        scopes: granted.map(([scope]) => scope),
        what: granted.map(([, what]) => what),
      };
    })
    .filter(({ scopes }) => scopes.length > 0);
}
