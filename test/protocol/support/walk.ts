import { afterAll, beforeAll, describe, test } from '@jest/globals';
import type { EcosystemName } from '../../../core/ecosystem-names.js';
import { createDriver, type Pair } from './driver.js';
import { type ProtocolBank, startProtocolBank } from './start-protocol-bank.js';
import { nameOf, type Variant } from './variant.js';

/** A module of a certification plan: what it is called there, where it applies, what it does. */
export interface Row<Kind = Variant, Subject = Pair> {
  readonly module: string;
  readonly applies: (variant: Kind) => boolean;
  readonly perform: (subject: Subject) => Promise<void>;
}

/** Whether a module belongs to the runs of a variant. */
export type Flag = (variant: Variant) => boolean;

export const always: Flag = () => true;
export const ifOpenid: Flag = ({ openid }) => openid;
export const ifDpop: Flag = ({ constraint }) => constraint === 'dpop';
export const ifPrivateKeyJwt: Flag = ({ authentication }) => authentication === 'private_key_jwt';
export const ifSigned: Flag = ({ request }) => request === 'signed';
export const ifPushed: Flag = ({ transport }) => transport === 'pushed';
export const ifByValue: Flag = ({ transport }) => transport === 'by_value';
export const ifPlainFapi: Flag = ({ ecosystem }) => ecosystem === 'plain_fapi';
export const ifOpenBankingUk: Flag = ({ ecosystem }) => ecosystem === 'openbanking_uk';
export const ifConnectId: Flag = ({ ecosystem }) => ecosystem === 'connectid_au';
export const ifOther: Flag = () => false;

/** Makes a test of each row, skipped where it does not apply; the subject is there once it runs. */
export function testRows<Kind, Subject>(
  rows: readonly Row<Kind, Subject>[],
  variant: Kind,
  subject: () => Subject,
): void {
  for (const { module, applies, perform } of rows) {
    if (applies(variant)) test(module, () => perform(subject()));
    else test.skip(module, () => {});
  }
}

/** Performs each row of a plan in each of its variants, at a bank that knows these ecosystems. */
export function walk(
  plan: string,
  rows: readonly Row[],
  variants: readonly Variant[],
  ecosystems: readonly EcosystemName[] = [],
): void {
  let bank: ProtocolBank;
  beforeAll(async () => {
    bank = await startProtocolBank(ecosystems);
  }, 60_000);
  afterAll(() => bank?.stop());

  describe(plan, () => {
    for (const [index, variant] of variants.entries()) {
      describe(nameOf(variant), () => {
        let pair: Pair;
        beforeAll(async () => {
          pair = {
            first: await createDriver(bank, variant, `first-${index}`),
            second: await createDriver(bank, variant, `second-${index}`, 'second'),
          };
        });
        testRows(rows, variant, () => pair);
      });
    }
  });
}

/** How many modules a plan has in a variant. */
export function count(rows: readonly Row[], variant: Variant): number {
  return rows.filter(({ applies }) => applies(variant)).length;
}
