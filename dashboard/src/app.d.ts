import type { Session } from '@sentryagent/sdk';

declare global {
  namespace App {
    interface PageData {
      /** Who is signed in; `null` for a visitor. */
      session?: Session | null;
    }
  }
}
