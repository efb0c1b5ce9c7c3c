import { render } from 'preact';
import { App } from './app.tsx';
import { startTheme } from './theme.ts';
import './style/main.css';

startTheme();
const home = document.getElementById('app');
if (home) render(<App />, home);
