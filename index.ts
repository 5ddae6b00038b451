/** What a program that embeds Assent imports (docs/embedding.md). */
export { loadConfiguration } from './config/load-configuration.js';
export type { Configuration } from './config/schema.js';
export type {
  BankCustomer,
  BankLedger,
  CustomerHint,
  LedgerAccount,
  LedgerTransaction,
  SharingRefusal,
} from './core/bank-ledger.js';
export type { KeyAdministration, KeyView } from './core/key-administration.js';
export type { PersonClaims } from './core/person-claims.js';
export type { SecondFactor } from './core/second-factor.js';
export { type Assent, type AssentOptions, createAssent } from './create-assent.js';
export { stopOnSignal } from './stop-on-signal.js';
