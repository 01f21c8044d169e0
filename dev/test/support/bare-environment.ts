/** What a program inherits that a test starts with an environment of its own: where programs and their code are, and the time zone. */
export const bareEnvironment = {
  PATH: process.env.PATH,
  TZ: process.env.TZ,
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
};
