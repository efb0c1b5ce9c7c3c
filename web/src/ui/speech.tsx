// The question which language the pages speak.
import { render } from 'preact';
import { useState } from 'preact/hooks';
import { chooseLanguage, chosenLanguage, languages, t, type Language } from '../language.ts';
import { Dialog } from './dialog.tsx';
import { SelectField } from './field.tsx';
import { Button } from './parts.tsx';

function LanguageDialog({ onClose }: { onClose: () => void }) {
  const [value, setValue] = useState<string>(chosenLanguage() ?? '');
  const options = [{ value: '', text: t('As the browser says') }, ...languages.map((one) => ({ value: one.id as string, text: one.name }))];
  const save = () => chooseLanguage(value === '' ? null : value as Language);
  return (
    <Dialog title={t('Language')} onClose={onClose} footer={
      <><Button onClick={onClose}>{t('Cancel')}</Button><Button look="main" onClick={save}>{t('Save')}</Button></>
    }>
      <form onSubmit={(event) => { event.preventDefault(); save(); }}>
        <SelectField label={t('Language of these pages')} value={value} onValue={setValue} options={options}
          help={t('Kept in this browser. Messages of the server and names stay as they are.')} />
      </form>
    </Dialog>
  );
}

export function askLanguage(): void {
  const home = document.createElement('div');
  document.body.append(home);
  const close = () => {
    render(null, home);
    home.remove();
  };
  render(<LanguageDialog onClose={close} />, home);
}
