import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Whether the file is executable for us. */
export const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

/** The first of these programs that is in the search path. */
export const findProgram = (names: string[], searchPath: string): string | undefined =>
  names.flatMap((name) => searchPath.split(delimiter).map((folder) => join(folder, name))).find(isProgram);
