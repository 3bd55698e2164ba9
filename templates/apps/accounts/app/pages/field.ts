import { type Html, html } from './html.ts';

interface Field {
  name: string;
  label: string;
  type: 'text' | 'email' | 'password';
  /** The HTML attribute `autocomplete`, for browsers and password managers. */
  autocomplete: string;
  value?: string;
  hint?: string | undefined;
  error?: string | undefined;
  minLength?: number;
  maxLength?: number;
}

/** A labelled form field, with its hint and its error. */
export function field(options: Field): Html {
  const { name, label, type, autocomplete, value, hint, error, minLength, maxLength } = options;
  const described = [hint !== undefined && `${name}-hint`, error !== undefined && `${name}-error`].filter(Boolean);
  return html`<div class="field">
        <label for="${name}">${label}</label>
        ${hint !== undefined && html`<p class="hint" id="${name}-hint">${hint}</p>`}
        ${error !== undefined && html`<p class="error" id="${name}-error">${error}</p>`}
        <input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}" required${[
          value !== undefined && html` value="${value}"`,
          minLength !== undefined && html` minlength="${minLength}"`,
          maxLength !== undefined && html` maxlength="${maxLength}"`,
          error !== undefined && html` aria-invalid="true"`,
          described.length > 0 && html` aria-describedby="${described.join(' ')}"`,
        ]}>
      </div>`;
}

/** An error that concerns the whole form. */
export function formError(message: string | undefined): Html | undefined {
  return message === undefined ? undefined : html`<p class="error" role="alert">${message}</p>`;
}
