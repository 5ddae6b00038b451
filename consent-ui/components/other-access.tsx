import { displayName } from '../display-name.js';
import { Card } from './card.js';

/** What an app may do at a service besides the accounts, in the service's words. */
export interface OtherAccess {
  readonly name: string;
  readonly what: readonly string[];
}

/** One card for each service. */
export function OtherAccessCards({ others }: { readonly others: readonly OtherAccess[] }) {
  return (
    <>
      {others.map(({ name, what }) => (
        <Card key={name} heading={<>Also: {displayName(name)}</>}>
          <ul>
            {what.map((line) => (
              <li key={line}>{displayName(line, 140)}</li>
            ))}
          </ul>
        </Card>
      ))}
    </>
  );
}
