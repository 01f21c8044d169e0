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
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'generated/|/test/' },
  },
};
