import type { SeededRandom } from './seeded-random.js';

/** A kind of shop: what stands on the statement, and what a visit costs (pence). */
interface Merchants {
  readonly names: readonly [string, ...string[]];
  readonly from: number;
  readonly to: number;
}

const groceries: Merchants = {
  names: [
    'TESCO STORES 3297',
    "SAINSBURY'S S/MKT",
    'LIDL GB LEEDS',
    'ALDI STORES',
    'CO-OP GROUP FOOD',
    'WAITROSE 214',
    'M&S SIMPLY FOOD',
  ],
  from: 380,
  to: 7_450,
};

const eatingOut: Merchants = {
  names: [
    'PRET A MANGER',
    'GREGGS PLC',
    'COSTA COFFEE',
    "NANDO'S",
    'WAGAMAMA',
    'DELIVEROO',
    'THE CROWN & ANCHOR',
  ],
  from: 285,
  to: 4_600,
};

const travel: Merchants = {
  names: ['TFL TRAVEL CH', 'TRAINLINE', 'SHELL HENDON', 'UBER *TRIP', 'NATIONAL EXPRESS'],
  from: 175,
  to: 6_200,
};

const shopping: Merchants = {
  names: ['AMAZON.CO.UK', 'ARGOS LTD', 'BOOTS 1187', 'JOHN LEWIS', 'PRIMARK', 'WH SMITH', 'B&Q'],
  from: 499,
  to: 9_800,
};

/** Groceries come up more often than a visit to the pub. */
const kinds: readonly [Merchants, ...Merchants[]] = [
  groceries,
  groceries,
  groceries,
  eatingOut,
  eatingOut,
  travel,
  travel,
  shopping,
];

/** One card purchase: `amount` in pence, negative. */
export function drawPurchase(random: SeededRandom): { information: string; amount: number } {
  const kind = random.pick(kinds);
  // Small sums are more frequent than large ones.
  const amount = kind.from + Math.floor((kind.to - kind.from) * random.next() ** 2);
  return { information: random.pick(kind.names), amount: -amount };
}
