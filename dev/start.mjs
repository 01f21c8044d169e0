import { launch } from './src/bootstrap.mjs';

await launch('start.ts');
