import { join } from 'node:path';
import { writePrivateFile } from './write-private-file.js';

/** A white drawing on a coloured tile; attributes only, as our content security policy wants it. */
const tile = (title: string, colour: string, drawing: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><title>${title}</title><rect width="48" height="48" fill="${colour}"/><g fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round">${drawing}</g></svg>\n`;

/** By `bankRef`: a compass needle for Northbank, a water wheel for Old Mill, a flask for the test bank. */
const banks = {
  northbank: tile('Northbank', '#0f5c4a', '<path d="m24 9 9 29-9-6-9 6zM24 9v23"/>'),
  'old-mill-bank': tile(
    'Old Mill Bank',
    '#7a4b1e',
    '<circle cx="24" cy="24" r="13"/><path d="M24 11v26M11 24h26M15 15l18 18M33 15 15 33"/>',
  ),
  'test-bank': tile(
    'Test Bank',
    '#4a5468',
    '<path d="M19 10h10M21 10v10l-9 16a2 2 0 0 0 2 3h20a2 2 0 0 0 2-3l-9-16V10M17 30h14"/>',
  ),
};

/** Ledgerlight: the lines of a ledger, one of them lit. */
const ledgerlight = tile(
  'Ledgerlight',
  '#6b2a6e',
  '<path d="M11 16h12M11 24h26M11 32h18"/><circle cx="33" cy="15" r="3" fill="#ffd36b" stroke="#ffd36b"/>',
);

/** Writes the logos of the sandbox's banks and clients below `folder`, as the setting `logos` wants them. */
export async function writeLogos(folder: string, clientIds: readonly string[]): Promise<void> {
  await Promise.all([
    ...Object.entries(banks).map(([ref, logo]) =>
      writePrivateFile(join(folder, 'banks', `${ref}.svg`), logo),
    ),
    ...clientIds.map((id) => writePrivateFile(join(folder, 'clients', `${id}.svg`), ledgerlight)),
  ]);
}
