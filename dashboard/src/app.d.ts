import type { Session } from '@sentryagent/sdk';
// Declares `platform.req`.
import '@sveltejs/adapter-node';

declare global {
  namespace App {
    interface PageData {
      /** The session. `null`: not signed in. */
      session?: Session | null;
    }
  }
}
