import type { ComponentChildren } from 'preact';
import { displayName } from '../display-name.js';
import { maskAccountNumber } from '../mask-account-number.js';
import { CheckboxList } from './choice-list.js';
import { Icon } from './icon.js';
import { Name } from './name.js';

export interface SelectableAccount {
  readonly id: string;
  readonly name: string;
  /** In plain words, e.g. "Current account". */
  readonly kind: string;
  /** The whole number; the page shows the last four digits. */
  readonly number: string;
  readonly jointWith?: readonly string[] | undefined;
  readonly chosen?: boolean | undefined;
}

/** A person's accounts, to be ticked; the form field is `account`, repeated. */
export function AccountList({
  accounts,
  app,
  isMore = false,
  error,
}: {
  readonly accounts: readonly SelectableAccount[];
  /** Who sees what is ticked. */
  readonly app: ComponentChildren;
  /** What is ticked is added to what is seen already. */
  readonly isMore?: boolean | undefined;
  readonly error: string | undefined;
}) {
  return (
    <CheckboxList
      name="account"
      legend={isMore ? 'Accounts to add' : 'Your accounts'}
      hint={
        isMore ? (
          <>Tick those that {app} is to see besides. Tick none to add nothing.</>
        ) : (
          <>{app} sees only the accounts that you tick.</>
        )
      }
      error={error}
      choices={accounts.map((account) => ({
        value: account.id,
        label: <Name of={account.name} />,
        detail: <AccountDetail {...account} />,
        checked: account.chosen,
      }))}
    />
  );
}

/** What kind of account it is, which number it ends with, and whose it is besides. */
export function AccountDetail({ kind, number, jointWith = [] }: SelectableAccount) {
  return (
    <>
      {displayName(kind)} <span class="number">{maskAccountNumber(number)}</span>
      {jointWith.length === 0 ? null : (
        <span class="joint">
          <Icon name="people" />
          <span>Joint account with {jointWith.map((name) => displayName(name)).join(', ')}</span>
        </span>
      )}
    </>
  );
}
