import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../../../docs/proof.md', import.meta.url);
const HEADING = '# Proofs\n\nWritten by `npm run proof`: each section by the file that it names.\n';

/** Replaces the section of this title in `docs/proof.md`, or appends it. */
export const writeProof = (title: string, body: string): void => {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : HEADING;
  const [head = '', ...sections] = text.split(/^(?=## )/m);
  const section = `## ${title}\n\n${body.trim()}\n`;
  const others = sections.filter((other) => !other.startsWith(`## ${title}\n`)).map((other) => other.trim());
  writeFileSync(file, `${[head.trim(), ...others, section.trim()].join('\n\n')}\n`);
};
