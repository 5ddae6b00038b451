import { ButtonLink } from '../components/button.js';
import type { Brand } from '../party.js';
import { Layout } from '../render-page.js';

export interface LogoutFramesPageProps {
  readonly bank: Exclude<Brand, 'assent'>;
  /** Where each application ends its own session. */
  readonly addresses: readonly string[];
  readonly next: string;
}

/** Long enough for the applications, short enough to wait for without a script (seconds). */
const patience = 3;

/** Other applications are being told; the browser goes on by itself. */
export function LogoutFramesPage({ bank, addresses, next }: LogoutFramesPageProps) {
  return (
    <Layout
      title="Signing you out"
      brand={bank}
      head={<meta http-equiv="refresh" content={`${patience};url=${next}`} />}
      lead="We are telling the applications that you signed in to. This takes a moment."
    >
      <p class="actions">
        <ButtonLink href={next}>Continue</ButtonLink>
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
