// A menu button after the ARIA pattern: arrows move, Escape and Tab close, letters are left to the browser.
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { sentence } from '../api.ts';
import { toast } from './toast.tsx';

export interface MenuItem {
  text: string;
  run?: () => unknown;
  href?: string;
  danger?: boolean;
  disabled?: boolean;
  line?: boolean; // a line above
}

interface MenuProps {
  label: string;
  look?: string;
  items: MenuItem[];
  children: ComponentChildren;
}

export function Menu({ label, look = 'plain icon small', items, children }: MenuProps) {
  const [open, setOpen] = useState(false);
  const [place, setPlace] = useState<{ top: number; left: number }>({ top: 0, left: 0 });
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();

  const close = (refocus: boolean) => {
    setOpen(false);
    if (refocus) button.current?.focus();
  };

  useLayoutEffect(() => { // at once: the next key may already be on its way
    if (!open || !list.current || !button.current) return;
    const from = button.current.getBoundingClientRect();
    const size = list.current.getBoundingClientRect();
    const below = from.bottom + 4 + size.height < innerHeight;
    setPlace({
      top: below ? from.bottom + 4 : Math.max(4, from.top - size.height - 4),
      left: Math.max(4, Math.min(from.right - size.width, innerWidth - size.width - 4)),
    });
    list.current.querySelector<HTMLElement>('[role=menuitem]:not(:disabled)')?.focus({ preventScroll: true });
    const away = (event: Event) => {
      const inside = event.target instanceof Node && (list.current?.contains(event.target) || button.current?.contains(event.target));
      if (!inside) close(false);
    };
    const moved = () => {
      const now = button.current?.getBoundingClientRect();
      if (!now || Math.abs(now.top - from.top) + Math.abs(now.left - from.left) > 4) close(false);
    };
    document.addEventListener('pointerdown', away);
    window.addEventListener('scroll', moved, true);
    return () => {
      document.removeEventListener('pointerdown', away);
      window.removeEventListener('scroll', moved, true);
    };
  }, [open]);

  const keys = (event: KeyboardEvent) => {
    const all = [...(list.current?.querySelectorAll<HTMLElement>('[role=menuitem]:not(:disabled)') ?? [])];
    const now = all.indexOf(document.activeElement as HTMLElement);
    const steps: Record<string, number> = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: all.length - 1 };
    if (event.key === 'Escape') close(true);
    else if (event.key === 'Tab') close(false);
    else if (event.key in steps) all.at((steps[event.key] ?? 0) % all.length)?.focus();
    else return;
    if (event.key !== 'Tab') event.preventDefault();
    event.stopPropagation();
  };

  const choose = async (item: MenuItem) => {
    close(true);
    try {
      await item.run?.();
    } catch (problem) {
      toast(sentence(problem), 'bad');
    }
  };

  return (
    <span class="menu">
      <button ref={button} type="button" class={`button ${look}`} aria-label={label} title={label} aria-haspopup="menu"
        aria-expanded={open} aria-controls={open ? id : undefined} onClick={() => setOpen(!open)}>
        {children}
      </button>
      {open && (
        <div ref={list} id={id} class="menu-list" role="menu" aria-label={label} onKeyDown={keys}
          style={{ top: `${place.top}px`, left: `${place.left}px` }}>
          {items.map((item) => (
            <div key={item.text} role="none">
              {item.line && <hr />}
              {item.href !== undefined
                ? <a role="menuitem" tabIndex={-1} href={item.href} onClick={() => close(false)}>{item.text}</a>
                : (
                  <button type="button" role="menuitem" tabIndex={-1} class={item.danger ? 'danger' : ''}
                    disabled={item.disabled} onClick={() => void choose(item)}>
                    {item.text}
                  </button>
                )}
            </div>
          ))}
        </div>
      )}
    </span>
  );
}
