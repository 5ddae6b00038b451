export interface FieldProps {
  /** Also the element's id, which is what an error summary links to. */
  readonly name: string;
  readonly label: string;
  readonly type?: 'text' | 'password';
  readonly value?: string | undefined;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  /** A token of HTML's `autocomplete`. */
  readonly autocomplete: string;
  readonly inputMode?: 'numeric' | undefined;
  readonly maxLength: number;
}

/** One line of input with its label, hint and error, tied together for assistive technology. */
export function Field({ name, label, type = 'text', value, hint, error, ...input }: FieldProps) {
  const notes = [hint && `${name}-hint`, error && `${name}-error`].filter(Boolean).join(' ');
  const attributes = {
    ...input,
    id: name,
    name,
    value: value ?? '',
    autocapitalize: 'none' as const,
    spellcheck: false,
    'aria-invalid': error ? ('true' as const) : ('false' as const),
    'aria-describedby': notes || undefined,
  };
  return (
    <div class={error ? 'field field-wrong' : 'field'}>
      <label for={name}>{label}</label>
      {hint ? (
        <p class="quiet" id={`${name}-hint`}>
          {hint}
        </p>
      ) : null}
      {error ? <FieldError id={`${name}-error`} message={error} /> : null}
      {type === 'password' ? (
        <input type="password" {...attributes} />
      ) : (
        <input type="text" {...attributes} />
      )}
    </div>
  );
}

/** The error of one field, said by a word as well as by its colour. */
export function FieldError({ id, message }: { readonly id: string; readonly message: string }) {
  return (
    <p class="field-error" id={id}>
      <span class="visually-hidden">Error: </span>
      {message}
    </p>
  );
}
