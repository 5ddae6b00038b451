import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { parseMinorUnits } from '../minor-units.js';
import { defineDetailType } from './detail-type.js';
import { commonMembers, endOf, findEndFault, isWithin, listOf, narrowList } from './members.js';

const actions = ['initiate', 'status', 'cancel'] as const;

/** What people read: nothing in it may hide or turn around. */
const shownText = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]*$/u);

const money = z.strictObject({
  currency: z.string().regex(/^[A-Z]{3}$/),
  amount: z.string().regex(/^\d{1,13}(\.\d{1,4})?$/),
});

const schema = z.strictObject({
  type: z.literal('payment_initiation'),
  actions: listOf(z.enum(actions), 1, actions.length),
  instructedAmount: money.refine(isPayable),
  creditorName: shownText(70),
  creditorAccount: z.union([
    z.strictObject({ iban: z.string().regex(/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/) }),
    z.strictObject({
      sortCode: z.string().regex(/^\d{6}$/),
      accountNumber: z.string().regex(/^\d{8}$/),
    }),
  ]),
  remittanceInformationUnstructured: shownText(140).optional(),
  ...commonMembers,
});

type PaymentInitiation = z.infer<typeof schema>;

/**
 * `payment_initiation` (RFC 9396 §2, as in its examples): one payment, to one payee, from the account
 * that the person chooses. Assent asks and remembers the answer; the bank's own payments API carries it
 * out, by what introspection says of the token.
 */
export const paymentInitiation = defineDetailType<PaymentInitiation>({
  schema,
  // PSD2 art. 97(1)(b); the code is sent with payee and amount (RTS art. 5).
  needsStrongAuthentication: true,
  longestLife: 86_400,

  findFault: ({ accessUntil }, now) => findEndFault(accessUntil, now),

  describe(detail) {
    const { creditorAccount: payee, remittanceInformationUnstructured: reference } = detail;
    return {
      title: 'to make a payment',
      clusters: [],
      rows: [
        { term: 'Amount', value: readMoney(detail.instructedAmount) },
        { term: 'To', value: detail.creditorName },
        {
          term: 'Their account',
          value:
            'iban' in payee
              ? payee.iban
              : `${payee.sortCode.replace(/(\d\d)(?=\d)/g, '$1-')} ${payee.accountNumber}`,
        },
        ...(reference === undefined ? [] : [{ term: 'Reference', value: reference }]),
      ],
      choose: 'one',
      among: detail.accounts,
    };
  },

  grant(detail, { accountIds, until }) {
    const [account, ...more] = accountIds;
    if (account === undefined || more.length > 0) return undefined;
    return { ...detail, accounts: [account], accessUntil: endOf(detail.accessUntil, until) };
  },

  narrow(granted, asked) {
    const { actions: wanted, locations, accounts, accessUntil, ...payment } = asked;
    const {
      actions: allowed,
      locations: where,
      accounts: from,
      accessUntil: end,
      ...same
    } = granted;
    const isSame = isDeepStrictEqual(payment, same);
    const chosen = narrowList(from, accounts);
    const there = narrowList(where, locations);
    const isAllowed = wanted.every((action) => allowed.includes(action));
    const isInTime = isWithin(end, accessUntil, 'end');
    if (!isSame || !chosen || !there || !isAllowed || !isInTime) return undefined;
    return {
      ...granted,
      actions: wanted,
      ...(there.list && { locations: there.list }),
      accessUntil: accessUntil ?? end,
    };
  },
});

function readMoney({ amount: text, currency }: z.infer<typeof money>) {
  return { minorUnits: parseMinorUnits(text, currency), currency };
}

/** More than nothing, in whole minor units. */
function isPayable(asked: z.infer<typeof money>): boolean {
  try {
    return readMoney(asked).minorUnits > 0;
  } catch {
    return false;
  }
}
