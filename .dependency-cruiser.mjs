/**
 * A subfolder may use its folder's own files, and these use nothing of it. For these two it is the other way round. The
 * scope `folder` below takes a subfolder for a part of its folder, so it does not see a circle between them.
 */
const SUBFOLDERS_THAT_SERVE = '^(api/src/http|api/src/services/mail)/(client-authentication|templates)/';

/** What imports what: no circle of files or of folders, type-only imports included. */
export default {
  forbidden: [
    {
      name: 'no-circle-of-files',
      comment: 'Move what both need into a file of its own.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-circle-of-services',
      comment:
        'A service folder must not need one that needs it: move what both need to the lower one, or to a folder of its own.',
      severity: 'error',
      scope: 'folder',
      from: { path: '^api/src/' },
      to: { circular: true },
    },
    {
      name: 'no-circle-with-a-subfolder',
      comment: 'Move what both need into the folder, or to a folder of its own.',
      severity: 'error',
      from: { path: '^(api/src/(?:http|services/[^/]+))/[^/]+$' },
      to: { path: '^$1/[^/]+/', pathNot: SUBFOLDERS_THAT_SERVE },
    },
    {
      name: 'no-circle-with-a-serving-subfolder',
      comment: 'Pass in what it needs, or move that into the subfolder.',
      severity: 'error',
      from: { path: SUBFOLDERS_THAT_SERVE },
      to: { path: '^$1/[^/]+$' },
    },
    {
      name: 'no-import-that-leads-nowhere',
      comment:
        'A circle is not seen if a name in it leads to no file. Add the name to the `exports` of its package.',
      severity: 'error',
      from: {},
      to: { path: '^@sentryagent/', couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    // Our packages are imported by the names in their `exports`, which are not read by default.
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types'] },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'generated/|/test/' },
  },
};
