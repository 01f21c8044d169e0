/** A setting that `npm test` gives to its tests. */
export const required = (name: string): string => {
  const value = process.env[name];
  if (!value)
    throw new Error(`${name} is not set: run the tests by "npm test", which starts the servers they need`);
  return value;
};
