import type { Brand } from '../party.js';
import { Layout } from '../render-page.js';

export interface LogoutFramesPageProps {
  readonly bank: Exclude<Brand, 'assent'>;
  /** Where each application ends its own session. */
  readonly addresses: readonly string[];
  /** Where the library leads on: a page of ours or a registered address, which may be an app's own scheme. */
  readonly next: string;
}

/**
 * Other applications are being told. The person goes on when they will: a page that does so by itself
 * would not wait for everybody (WCAG 2.2.1).
 */
export function LogoutFramesPage({ bank, addresses, next }: LogoutFramesPageProps) {
  return (
    <Layout
      title="Signing you out"
      brand={bank}
      lead="We are telling the applications that you signed in to. Give them a moment, then continue."
    >
      <p class="actions">
        <a class="button button-primary" href={next}>
          <span>Continue</span>
        </a>
      </p>
      {addresses.map((address, index) => (
        <iframe
          key={address}
          src={address}
          title={`Signing out, ${index + 1} of ${addresses.length}`}
          class="told"
          tabIndex={-1}
        />
      ))}
    </Layout>
  );
}
