const paths = {
  check: 'M4.5 10.5l3.5 3.5 7.5-8',
  chevron: 'M7.5 4.5 13 10l-5.5 5.5',
  info: 'M10 9v4.5M10 6.2v.1M10 18a8 8 0 1 0 0-16 8 8 0 0 0 0 16Z',
  success: 'M6.5 10.3l2.4 2.4 4.6-5M10 18a8 8 0 1 0 0-16 8 8 0 0 0 0 16Z',
  warning:
    'M10 7.5V11M10 13.8v.1M8.7 3.2 1.9 15.1A1.5 1.5 0 0 0 3.2 17.4h13.6a1.5 1.5 0 0 0 1.3-2.3L11.3 3.2a1.5 1.5 0 0 0-2.6 0Z',
  error: 'M7.3 7.3l5.4 5.4M12.7 7.3l-5.4 5.4M10 18a8 8 0 1 0 0-16 8 8 0 0 0 0 16Z',
  search: 'M13 13l4.5 4.5M8.5 14.5a6 6 0 1 0 0-12 6 6 0 0 0 0 12Z',
  exchange: 'M3 7h13m-3.5-3.5L16 7l-3.5 3.5M17 13.5H4m3.5-3.5L4 13.5 7.5 17',
  lock: 'M6 9V6.5a4 4 0 0 1 8 0V9M5 9h10a1 1 0 0 1 1 1v6.5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1Z',
  people:
    'M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2 16.5c0-2.8 2.4-4.5 5.5-4.5s5.5 1.7 5.5 4.5M13.5 9.3a2.7 2.7 0 0 0 0-5.3M15 12.3c1.8.6 3 2 3 4.2',
} as const;

export type IconName = keyof typeof paths;

/** A decorative line drawing; the words beside it carry the meaning. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
