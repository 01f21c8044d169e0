/** Prints a line of an operator command's output. */
export const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Command {
  run(): Promise<void>;
  /** The sentence before the reason if `run` fails, such as "The reconciliation failed". */
  failure: string;
  /** Closes what the command has opened. */
  close?(): unknown;
}

/** Runs an operator command. If it fails, prints why and lets the process exit with 1. */
export const runCommand = async ({ run, failure, close }: Command): Promise<void> => {
  try {
    await run();
  } catch (error) {
    process.stderr.write(`${failure}: ${(error as Error).message}\n`);
    process.exitCode = 1;
  } finally {
    await close?.();
  }
};
