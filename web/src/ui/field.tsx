// Form fields: a label, the control, one line of help, and what is wrong. All wired for screen readers.
import type { ComponentChildren, PartialInputHTMLAttributes, TextareaHTMLAttributes } from 'preact';
import { useId } from 'preact/hooks';
import { WarnIcon } from './icons.tsx';

interface FieldProps {
  label: string;
  help?: ComponentChildren;
  wrong?: string | null | undefined;
}

interface Wiring {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': boolean | undefined;
}

export function Field({ label, help, wrong, control }: FieldProps & { control: (wiring: Wiring) => ComponentChildren }) {
  const id = useId();
  const described = [help ? `${id}-help` : '', wrong ? `${id}-wrong` : ''].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {control({ id, 'aria-describedby': described || undefined, 'aria-invalid': wrong ? true : undefined })}
      {help && <span class="help" id={`${id}-help`}>{help}</span>}
      {wrong && <span class="wrong" id={`${id}-wrong`} role="alert"><WarnIcon size={15} />{wrong}</span>}
    </div>
  );
}

type InputProps = FieldProps & Omit<PartialInputHTMLAttributes<HTMLInputElement>, 'label' | 'onInput' | 'value'> & {
  value: string;
  onValue: (value: string) => void;
};

/** The browser's autofocus works only while a page loads; this one whenever the field appears. */
const focusNow = (field: HTMLInputElement | null) => field?.focus();

export function TextField({ label, help, wrong, value, onValue, autoFocus, ...rest }: InputProps) {
  return (
    <Field label={label} help={help} wrong={wrong} control={(wiring) => (
      <input class="input" ref={autoFocus ? focusNow : null} {...(rest as object)} {...wiring} value={value} onInput={(event) => onValue(event.currentTarget.value)} />
    )} />
  );
}

type AreaProps = FieldProps & Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'label' | 'onInput' | 'value'> & {
  value: string;
  onValue: (value: string) => void;
};

export function AreaField({ label, help, wrong, value, onValue, ...rest }: AreaProps) {
  return (
    <Field label={label} help={help} wrong={wrong} control={(wiring) => (
      <textarea class="input" {...rest} {...wiring} value={value} onInput={(event) => onValue(event.currentTarget.value)} />
    )} />
  );
}

export interface Option { value: string; text: string }

type SelectProps = FieldProps & {
  value: string;
  onValue: (value: string) => void;
  options: Option[];
  disabled?: boolean;
};

export function SelectField({ label, help, wrong, value, onValue, options, disabled }: SelectProps) {
  return (
    <Field label={label} help={help} wrong={wrong} control={(wiring) => (
      <select class="input" {...wiring} value={value} disabled={disabled}
        onChange={(event) => onValue(event.currentTarget.value)}>
        {options.map((option) => <option key={option.value} value={option.value}>{option.text}</option>)}
      </select>
    )} />
  );
}

interface CheckProps { label: ComponentChildren; help?: string; checked: boolean; onValue: (on: boolean) => void; disabled?: boolean }

export function Check({ label, help, checked, onValue, disabled }: CheckProps) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} disabled={disabled} onChange={(event) => onValue(event.currentTarget.checked)} />
      <span>
        {label}
        {help && <><br /><span class="small faint">{help}</span></>}
      </span>
    </label>
  );
}

interface ChoicesProps {
  legend: string;
  value: string;
  onValue: (value: string) => void;
  options: { value: string; text: string; help: string }[];
  disabled?: boolean;
}

/** A question with few answers, each with its line of help. */
export function Choices({ legend, value, onValue, options, disabled }: ChoicesProps) {
  const name = useId();
  return (
    <fieldset class="field" disabled={disabled}>
      <legend class="label">{legend}</legend>
      <div class="choices">
        {options.map((option) => (
          <label key={option.value} class="choice">
            <input type="radio" name={name} value={option.value} checked={value === option.value}
              onChange={() => onValue(option.value)} />
            <span>
              <strong>{option.text}</strong><br />
              <span class="help small">{option.help}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
