import type { ComponentChildren } from 'preact';
import { displayName } from '../display-name.js';
import { FieldError } from './field.js';

export interface Choice {
  readonly value: string;
  readonly label: ComponentChildren;
  readonly detail?: ComponentChildren;
  readonly checked?: boolean | undefined;
}

export interface ChoiceListProps {
  /** The form field; the first input's id as well, which an error summary links to. */
  readonly name: string;
  readonly legend: ComponentChildren;
  readonly hint?: ComponentChildren;
  readonly error?: string | undefined;
  readonly choices: readonly Choice[];
}

/** Choose one. */
export function RadioList(props: ChoiceListProps) {
  return <ChoiceList type="radio" {...props} />;
}

/** Choose any number. */
export function CheckboxList(props: ChoiceListProps) {
  return <ChoiceList type="checkbox" {...props} />;
}

const clean = (text: ComponentChildren) =>
  typeof text === 'string' ? displayName(text, 160) : text;

function ChoiceList({
  type,
  name,
  legend,
  hint,
  error,
  choices,
}: ChoiceListProps & { readonly type: 'radio' | 'checkbox' }) {
  const notes = [hint && `${name}-hint`, error && `${name}-error`].filter(Boolean).join(' ');
  return (
    <fieldset class="choices" aria-describedby={notes || undefined}>
      <legend>{legend}</legend>
      {hint === undefined ? null : (
        <p class="quiet" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {error === undefined ? null : <FieldError id={`${name}-error`} message={error} />}
      {choices.map(({ value, label, detail, checked = false }, index) => (
        <label key={value} class="choice">
          <input
            id={index === 0 ? name : undefined}
            type={type}
            name={name}
            value={value}
            checked={checked}
          />
          <span>
            <span class="choice-label">{clean(label)}</span>
            {detail === undefined ? null : <span class="choice-detail">{clean(detail)}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
