import type { Session } from '@sentryagent/sdk';
// What it declares: `platform.req`.
import '@sveltejs/adapter-node';

declare global {
  namespace App {
    interface PageData {
      /** Who is signed in; `null` for a visitor. */
      session?: Session | null;
    }
  }
}
