import type { DataCluster } from '../../core/permissions.js';
import { displayName } from '../display-name.js';
import { Disclosure } from './disclosure.js';
import { Icon } from './icon.js';

/** What will be shared, one line per kind of data, each opening to what exactly that is. */
export function ClusterList({ clusters }: { readonly clusters: readonly DataCluster[] }) {
  return (
    <ul class="clusters">
      {clusters.map(({ title, detail }) => (
        <li key={title}>
          <Disclosure
            summary={
              <>
                <Icon name="check" /> {displayName(title)}
              </>
            }
          >
            <ul>
              {detail.map((line) => (
                <li key={line}>{displayName(line, 140)}</li>
              ))}
            </ul>
          </Disclosure>
        </li>
      ))}
    </ul>
  );
}
