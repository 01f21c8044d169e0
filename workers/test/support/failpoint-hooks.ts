import { registerHooks } from 'node:module';

const withFailpoints = new URL('failpoint-activities.ts', import.meta.url).href;

/** For `--import`: the worker's `main.ts` gets activities that kill their process at a failpoint. */
registerHooks({
  resolve: (specifier, context, next) => {
    const isMain = context.parentURL?.endsWith('/workers/src/main.ts');
    return next(isMain && specifier === './activities.ts' ? withFailpoints : specifier, context);
  },
});
