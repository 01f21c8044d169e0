import { join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '../../..');

/** Compiles these programs with our settings, without writing a file. Returns the errors, each with the program's first line. */
export const compileErrors = (programs: readonly string[]): string[] => {
  const texts = new Map(programs.map((text, i) => [join(root, `e2e/program-${i}.ts`), text]));
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile);
  const parsed = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, root);
  const options: ts.CompilerOptions = { ...parsed.options, noUnusedLocals: false };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (file) => texts.has(file) || fileExists(file);
  host.readFile = (file) => texts.get(file) ?? readFile(file);
  const program = ts.createProgram([...texts.keys()], options, host);
  return [...texts].flatMap(([file, text]) => {
    const source = program.getSourceFile(file)!;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) =>
        `${text.trim().split('\n')[0]}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
  });
};
