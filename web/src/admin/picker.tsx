// A field for the name of a user or group that offers those there are. Who may not list them types the name.
import { useEffect, useId, useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Field } from '../ui/field.tsx';

interface Props {
  kind: 'user' | 'group';
  label: string;
  help?: string;
  value: string;
  onValue: (value: string) => void;
  wrong?: string | null;
  without?: string[];
}

export function NamePicker({ kind, label, help, value, onValue, wrong, without = [] }: Props) {
  const [names, setNames] = useState<{ name: string; text: string }[]>([]);
  const list = useId();
  useEffect(() => {
    const load = kind === 'user'
      ? api.users({ limit: 500 }).then((page) => page.items.map((one) => ({ name: one.name, text: one.display_name })))
      : api.groups({ limit: 500 }).then((page) => page.items.map((one) => ({ name: one.name, text: one.display_name })));
    load.then(setNames, () => setNames([]));
  }, [kind]);
  return (
    <Field label={label} help={help} wrong={wrong} control={(wiring) => (
      <>
        <input class="input" {...wiring} list={list} value={value} autocomplete="off" autocapitalize="off" spellcheck={false}
          onInput={(event) => onValue(event.currentTarget.value)} />
        <datalist id={list}>
          {names.filter((one) => !without.includes(one.name)).map((one) => (
            <option key={one.name} value={one.name}>{one.text}</option>
          ))}
        </datalist>
      </>
    )} />
  );
}
