// Two fields for a new password that say at once what is missing.
import { t } from '../language.ts';
import { TextField } from '../ui/field.tsx';

export const shortestPassword = 10;

export interface NewPassword { first: string; second: string }

export function passwordWrong(value: NewPassword): string | null {
  const length = [...value.first].length;
  if (length === 0) return t('Choose a password.');
  if (length < shortestPassword) return t('{count} more character is needed. | {count} more characters are needed.', { count: shortestPassword - length });
  if (value.first !== value.second) return t('The two passwords differ.');
  return null;
}

interface Props { value: NewPassword; onValue: (value: NewPassword) => void; tried: boolean }

export function PasswordFields({ value, onValue, tried }: Props) {
  const wrong = passwordWrong(value);
  const short = wrong !== null && [...value.first].length < shortestPassword;
  return (
    <>
      <TextField label={t('New password')} type="password" autocomplete="new-password" value={value.first}
        help={t('At least {count} characters. Several words make a good one.', { count: shortestPassword })}
        wrong={short && (tried || value.first !== '') ? wrong : null}
        onValue={(first) => onValue({ ...value, first })} />
      <TextField label={t('The same again')} type="password" autocomplete="new-password" value={value.second}
        wrong={!short && wrong !== null && (tried || value.second !== '') ? wrong : null}
        onValue={(second) => onValue({ ...value, second })} />
    </>
  );
}
