// Two fields for a new password that say at once what is missing.
import { TextField } from '../ui/field.tsx';

export const shortestPassword = 10;

export interface NewPassword { first: string; second: string }

export function passwordWrong(value: NewPassword): string | null {
  const length = [...value.first].length;
  if (length === 0) return 'Choose a password.';
  if (length < shortestPassword) return `${shortestPassword - length} more characters are needed.`;
  if (value.first !== value.second) return 'The two passwords differ.';
  return null;
}

interface Props { value: NewPassword; onValue: (value: NewPassword) => void; tried: boolean }

export function PasswordFields({ value, onValue, tried }: Props) {
  const wrong = passwordWrong(value);
  const short = wrong !== null && wrong !== 'The two passwords differ.';
  return (
    <>
      <TextField label="New password" type="password" autocomplete="new-password" value={value.first}
        help={`At least ${shortestPassword} characters. Several words make a good one.`}
        wrong={short && (tried || value.first !== '') ? wrong : null}
        onValue={(first) => onValue({ ...value, first })} />
      <TextField label="The same again" type="password" autocomplete="new-password" value={value.second}
        wrong={!short && wrong !== null && (tried || value.second !== '') ? wrong : null}
        onValue={(second) => onValue({ ...value, second })} />
    </>
  );
}
