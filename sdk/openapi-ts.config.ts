import { defineConfig } from '@hey-api/openapi-ts';

export default defineConfig({
  input: '../api/openapi.json',
  output: { path: 'src/generated', clean: true, entryFile: false },
  plugins: ['@hey-api/typescript'],
  logs: { level: 'error', file: false },
});
