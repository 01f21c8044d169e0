import { launch } from './src/bootstrap.mjs';

await launch('test.ts', () => console.log('0 passed, 1 failed'));
