import adapter from '@sveltejs/adapter-node';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: adapter(),
      compilerOptions: { runes: true },
      // In characters. A small style sheet is part of the page, with the nonce of its policy.
      inlineStyleThreshold: 5_000,
      // Kit compares with the origin it guesses from the Host header, or one fixed at build time. Ours is known when
      // the server starts, so hooks.server.ts compares instead, for every kind of body.
      csrf: { trustedOrigins: ['*'] },
      csp: {
        mode: 'nonce',
        directives: {
          'default-src': ['self'],
          'script-src': ['self'],
          'style-src-elem': ['self'],
          'style-src-attr': ['unsafe-inline'],
          'img-src': ['self', 'data:'],
          // hooks.server.ts adds PUBLIC_API_URL to the first, and Stripe's origins to the second, when the server starts.
          'connect-src': ['self'],
          'form-action': ['self'],
          'frame-ancestors': ['none'],
          'base-uri': ['none'],
          'object-src': ['none'],
        },
      },
    }),
  ],
});
