import type { Part } from '../part.ts';

export const migrate: Part = {
  name: 'migrate',
  async start({ children, found }) {
    const env = { DATABASE_URL: found.databaseUrl, APP_DATABASE_URL: found.appDatabaseUrl };
    await children.run({ name: 'migrate', argv: [process.execPath, 'migrations/src/main.ts'], env });
    return {};
  },
};
