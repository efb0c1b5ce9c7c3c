import { render } from 'preact';
import { startLanguage } from './language.ts';
import { startTheme } from './theme.ts';
import './style/main.css';

startTheme();
await startLanguage();
// after the catalogue: tables of these modules are in the reader's language from the start
const { App } = await import('./app.tsx');
const home = document.getElementById('app');
if (home) render(<App />, home);
