import type { ComponentChildren } from 'preact';

/** What the bank calls the page on which its customers end access. */
export const accessPageTitle = 'Apps that see your data';

/** How access to what a bank holds is ended. @param app the app's name as the page shows it. */
export function HowToStopAtBank({ app }: { readonly app: ComponentChildren }) {
  return (
    <>
      At any time: disconnect in {app}, or end it here at the bank, on the page “{accessPageTitle}”
    </>
  );
}
