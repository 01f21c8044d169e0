import type { Part, Started } from '../part.ts';
import { INSTALL_TEMPORAL, findTemporal } from '../temporal-program.ts';
import { startTemporal } from '../temporal-server.ts';
import { listens } from '../wait-for.ts';

/** The caller's own: used as it is, once something listens there. */
const useGiven = async (temporalAddress: string): Promise<Started> => {
  const { hostname, port } = new URL(`tcp://${temporalAddress}`);
  await listens(hostname.replace(/^\[|\]$/g, ''), Number(port)).catch((cause: Error) => {
    throw new Error(`The Temporal of TEMPORAL_ADDRESS cannot be reached: ${cause.message}`, { cause });
  });
  return { found: { temporalAddress }, note: 'yours (TEMPORAL_ADDRESS)' };
};

export const temporal: Part = {
  name: 'temporal',
  async start({ config, children, progress }) {
    if (config.temporalAddress) return useGiven(config.temporalAddress);
    const program = await findTemporal(config, children, (text) => progress.detail(text));
    if (!program) {
      const what = 'not found, so checkout and subscriptions are off';
      return { note: `${what}. ${INSTALL_TEMPORAL}, or set TEMPORAL_ADDRESS.` };
    }
    const { dataDir, temporalPort: port, temporalUiPort: uiPort } = config;
    const temporalAddress = await startTemporal({ program, children, dataDir, port, uiPort });
    const temporalUiUrl = `http://localhost:${uiPort}`;
    return { found: { temporalAddress, temporalUiUrl }, rows: [['Temporal UI', temporalUiUrl]] };
  },
};
