import type { BankCustomer, DemoLogin, LedgerAccount } from '../../core/bank-ledger.js';

/** Something that happens every month on one day (1 to 28). Pence, negative = money out. */
export interface MonthlyPayment {
  readonly day: number;
  readonly information: string;
  readonly amount: number;
}

export interface DemoAccount extends Omit<LedgerAccount, 'balance' | 'currency' | 'accountType'> {
  /** Pence, when the bank's books began. */
  readonly openingBalance: number;
  /** What the person does on the first of the month, so that the account neither fills nor empties. */
  readonly topUp?: {
    /** Pence left after it. */
    readonly target: number;
    readonly moneyIn: string;
    readonly moneyOut: string;
  };
  readonly monthly: readonly MonthlyPayment[];
  /** Card purchases on an average day. */
  readonly purchasesPerDay: number;
}

export interface DemoCustomer extends BankCustomer, DemoLogin {
  readonly accounts: readonly DemoAccount[];
  /** Why this bank lets them share nothing. */
  readonly refusal?: string;
  /** Where codes are sent to; numbers that Ofcom keeps for drama. None: no second factor. */
  readonly phone?: string;
  /** What they have agreed with the bank for requests of clients that do not send them here. */
  readonly userCode?: string;
}

const toSavings = { day: 2, information: 'STANDING ORDER RAINY DAY SAVER', amount: -25_000 };
const fromCurrent = { day: 2, information: 'STANDING ORDER FROM A HART', amount: 25_000 };

/** The customers of the simulated bank. Sort codes 99-xx-xx belong to no bank. */
export const demoCustomers: readonly DemoCustomer[] = [
  {
    id: 'cust-5e1d0c27',
    name: 'Amelia Hart',
    login: 'amelia',
    password: 'harbour-lantern-42',
    phone: '07700 900142',
    what: 'Three accounts: current, savings and a credit card',
    accounts: [
      {
        id: '22289',
        nickname: 'Everyday',
        accountSubType: 'CurrentAccount',
        sortCode: '990142',
        accountNumber: '31820447',
        jointWith: [],
        openingBalance: 118_240,
        topUp: {
          target: 310_000,
          moneyIn: 'TRANSFER FROM SAVER',
          moneyOut: 'TRANSFER TO SAVER',
        },
        purchasesPerDay: 1.6,
        monthly: [
          { day: 28, information: 'BRIGHTWELL DESIGN LTD SALARY', amount: 268_312 },
          { day: 1, information: 'HARGREAVES LETTINGS RENT', amount: -89_500 },
          toSavings,
          { day: 3, information: 'LEEDS CITY COUNCIL', amount: -13_850 },
          { day: 5, information: 'OCTOPUS ENERGY', amount: -9_640 },
          { day: 12, information: 'YORKSHIRE WATER', amount: -2_870 },
          { day: 15, information: 'VODAFONE LTD', amount: -1_800 },
          { day: 18, information: 'NETFLIX.COM', amount: -1_099 },
          { day: 20, information: 'PAYMENT TO COPPER CARD', amount: -9_000 },
        ],
      },
      {
        id: '31820',
        nickname: 'Rainy day saver',
        accountSubType: 'Savings',
        sortCode: '990142',
        accountNumber: '40077215',
        jointWith: [],
        openingBalance: 412_000,
        purchasesPerDay: 0,
        monthly: [fromCurrent, { day: 27, information: 'GROSS INTEREST', amount: 1_184 }],
      },
      {
        id: '47751',
        nickname: 'Copper card',
        accountSubType: 'CreditCard',
        sortCode: '990142',
        accountNumber: '77120938',
        jointWith: [],
        openingBalance: -21_460,
        topUp: {
          target: 0,
          moneyIn: 'PAYMENT RECEIVED - THANK YOU',
          moneyOut: 'REFUND TO BANK ACCOUNT',
        },
        purchasesPerDay: 0.27,
        monthly: [],
      },
    ],
  },
  {
    id: 'cust-a90417fb',
    name: 'Daniel Okafor',
    login: 'daniel',
    password: 'copper-meadow-17',
    phone: '07700 900317',
    what: 'A joint account with Grace Okafor, and one of his own',
    accounts: [
      {
        id: '58104',
        nickname: 'Household',
        accountSubType: 'CurrentAccount',
        sortCode: '990118',
        accountNumber: '20614489',
        jointWith: ['Grace Okafor'],
        openingBalance: 203_500,
        topUp: {
          target: 320_000,
          moneyIn: 'TRANSFER FROM G OKAFOR',
          moneyOut: 'TRANSFER TO D OKAFOR',
        },
        purchasesPerDay: 1.3,
        monthly: [
          { day: 25, information: 'FROM D OKAFOR HOUSEHOLD', amount: 130_000 },
          { day: 26, information: 'FROM G OKAFOR HOUSEHOLD', amount: 130_000 },
          { day: 1, information: 'NORTHGATE MORTGAGES', amount: -101_400 },
          { day: 4, information: 'BRISTOL CITY COUNCIL', amount: -16_200 },
          { day: 6, information: 'BRITISH GAS', amount: -14_350 },
          { day: 10, information: 'LITTLE ACORNS NURSERY', amount: -38_000 },
        ],
      },
      {
        id: '58117',
        nickname: "Daniel's account",
        accountSubType: 'CurrentAccount',
        sortCode: '990118',
        accountNumber: '20614502',
        jointWith: [],
        openingBalance: 64_900,
        topUp: {
          target: 70_000,
          moneyIn: 'TRANSFER FROM D OKAFOR ISA',
          moneyOut: 'TRANSFER TO D OKAFOR ISA',
        },
        purchasesPerDay: 0.9,
        monthly: [
          { day: 24, information: 'AVONSIDE NHS TRUST SALARY', amount: 231_875 },
          { day: 25, information: 'HOUSEHOLD', amount: -130_000 },
          { day: 9, information: 'PUREGYM LTD', amount: -2_499 },
        ],
      },
    ],
  },
  {
    id: 'cust-0b73d2e4',
    name: 'Noah Price',
    login: 'noah',
    password: 'quiet-orchard-08',
    what: 'No account to share',
    accounts: [],
  },
  {
    id: 'cust-c46f81a9',
    name: 'Priya Sharma',
    login: 'priya',
    password: 'silver-junction-63',
    phone: '07700 900463',
    what: 'Thousands of transactions over two years',
    userCode: '4417',
    accounts: [
      {
        id: '60233',
        nickname: 'Main account',
        accountSubType: 'CurrentAccount',
        sortCode: '990175',
        accountNumber: '51930076',
        jointWith: [],
        openingBalance: 342_780,
        topUp: {
          target: 560_000,
          moneyIn: 'TRANSFER FROM P SHARMA ISA',
          moneyOut: 'TRANSFER TO P SHARMA ISA',
        },
        purchasesPerDay: 4.4,
        monthly: [
          { day: 25, information: 'MERIDIAN ANALYTICS SALARY', amount: 571_240 },
          { day: 1, information: 'FOXTON PROPERTIES RENT', amount: -142_000 },
          { day: 3, information: 'LB HACKNEY COUNCIL TAX', amount: -15_100 },
          { day: 7, information: 'EDF ENERGY', amount: -10_320 },
          { day: 14, information: 'SPOTIFY P1F2A9', amount: -1_199 },
          { day: 16, information: 'EE LIMITED', amount: -2_600 },
        ],
      },
    ],
  },
  {
    id: 'cust-7d28e650',
    name: 'George Whitfield',
    login: 'george',
    password: 'amber-railway-29',
    phone: '07700 900529',
    what: 'Has an account, but the bank refuses to share it',
    accounts: [],
    refusal:
      'Online sharing is switched off for your accounts. Please call us if you would like to change that.',
  },
];

/** The logins that a sandbox shows. */
export const demoPeople: readonly DemoLogin[] = demoCustomers.map(({ login, password, what }) => ({
  login,
  password,
  what,
}));
