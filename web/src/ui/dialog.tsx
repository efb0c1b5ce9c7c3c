// Dialogs on the browser's own <dialog>: focus stays inside, Escape closes, focus goes back.
import { render, type ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { sentence } from '../api.ts';
import { t } from '../language.ts';
import { TextField } from './field.tsx';
import { CloseIcon } from './icons.tsx';
import { Button, Notice } from './parts.tsx';

interface DialogProps {
  title: string;
  onClose: () => void;
  wide?: boolean;
  children: ComponentChildren;
  footer?: ComponentChildren;
}

export function Dialog({ title, onClose, wide = false, children, footer }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    box.current?.showModal();
    const first = box.current?.querySelector<HTMLElement>('.inside :is(input, textarea, select):not([type=radio]), footer .button');
    first?.focus(); // the browser would take the close button
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    // a question about a page that is no longer there must not wait over the next one
    const left = () => close.current();
    window.addEventListener('hashchange', left);
    return () => window.removeEventListener('hashchange', left);
  }, []);
  const cancel = (event: Event) => {
    event.preventDefault();
    onClose();
  };
  return (
    <dialog ref={box} class={`dialog ${wide ? 'wide' : ''}`} aria-labelledby={id} onCancel={cancel}>
      <header>
        <h2 id={id}>{title}</h2>
        <Button look="plain icon small" label={t('Close')} onClick={onClose}><CloseIcon /></Button>
      </header>
      <div class="inside">{children}</div>
      {footer && <footer>{footer}</footer>}
    </dialog>
  );
}

interface Question {
  title: string;
  text: ComponentChildren;
  /** what the button says: a verb */
  action: string;
  danger?: boolean;
  /** a name that must be typed before the button works */
  name?: string;
  /** what the other button says, where "Cancel" would be read as the deed itself */
  keep?: string;
  /** why it cannot be done now: said at once, instead of after the name was typed */
  blocked?: ComponentChildren;
  run: () => Promise<unknown>;
}

function Ask({ question, onClose }: { question: Question; onClose: () => void }) {
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const ready = !question.blocked && (question.name === undefined || typed.trim() === question.name);
  const act = async () => {
    if (!ready || busy) return;
    setBusy(true);
    try {
      await question.run();
      onClose();
    } catch (problem) {
      setWrong(sentence(problem));
      setBusy(false);
    }
  };
  return (
    <Dialog title={question.title} onClose={onClose} footer={
      <>
        <Button onClick={onClose}>{question.keep ?? t('Cancel')}</Button>
        <Button look={`main ${question.danger ? 'danger' : ''}`} disabled={!ready} busy={busy} onClick={() => void act()}>
          {question.action}
        </Button>
      </>
    }>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void act(); }}>
        <div class="quiet">{question.text}</div>
        {question.blocked && <Notice mood="warn">{question.blocked}</Notice>}
        {question.name !== undefined && !question.blocked && (
          <TextField label={t('Type {name} to confirm', { name: question.name })} value={typed} onValue={setTyped}
            autocomplete="off" autocapitalize="off" spellcheck={false} />
        )}
        {wrong && <Notice mood="bad">{wrong}</Notice>}
      </form>
    </Dialog>
  );
}

/** Asks before something that cannot be undone. The dialog shows a failure and stays. */
export function ask(question: Question): void {
  const home = document.createElement('div');
  document.body.append(home);
  const close = () => {
    render(null, home);
    home.remove();
  };
  render(<Ask question={question} onClose={close} />, home);
}
