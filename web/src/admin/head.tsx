// The top of an administration page: where it lies, its name, what it is for, its main action.
import type { ComponentChildren } from 'preact';
import { useTitle } from '../route.ts';
import { BackIcon } from '../ui/icons.tsx';

interface Props {
  title: string;
  text?: ComponentChildren;
  back?: { href: string; text: string };
  children?: ComponentChildren;
}

export function Head({ title, text, back, children }: Props) {
  useTitle(title);
  return (
    <div class="page-head">
      <div class="grow">
        {back && <a class="page-back" href={back.href}><BackIcon size={15} />{back.text}</a>}
        <h1>{title}</h1>
        {text && <p class="quiet">{text}</p>}
      </div>
      {children && <div class="row tight">{children}</div>}
    </div>
  );
}
