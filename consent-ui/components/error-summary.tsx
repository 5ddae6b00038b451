import { Icon } from './icon.js';

export interface FormError {
  /** The id of the field to go to; absent where the error belongs to the whole form. */
  readonly field?: string;
  readonly message: string;
}

/** What is wrong with a form shown again, each error linked to its field (WCAG 3.3.1). */
export function ErrorSummary({ errors }: { readonly errors: readonly FormError[] }) {
  if (errors.length === 0) return null;
  return (
    <section class="notice notice-error" aria-labelledby="error-summary">
      <Icon name="error" />
      <div>
        <h2 id="error-summary">There is a problem</h2>
        <ul class="error-list">
          {errors.map(({ field, message }) => (
            <li key={message}>{field ? <a href={`#${field}`}>{message}</a> : message}</li>
          ))}
        </ul>
      </div>
    </section>
  );
}
