import type { Session } from '@sentryagent/sdk';
// Declares `platform.req`.
import '@sveltejs/adapter-node';

declare global {
  namespace App {
    interface PageData {
      /** The session. `null`: not signed in. */
      session?: Session | null;
      /** Whether the user's role allows changes of the tenant. Set on the pages of the console. */
      mayChange?: boolean;
    }
  }
}
