import manifest from '../../../package.json' with { type: 'json' };

/** The version of this dashboard. */
export const { version } = manifest;
