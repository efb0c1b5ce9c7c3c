// The console is a bundle of its own; the portal fetches it ahead of the click.
export const loadConsole = () => import('./console.tsx').then((module) => module.Console);
