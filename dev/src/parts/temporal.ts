import type { Part, Started } from '../part.ts';
import { INSTALL_TEMPORAL, findTemporal } from '../temporal-program.ts';
import { startTemporal } from '../temporal-server.ts';
import { listens } from '../wait-for.ts';

/** Your own server, used as it is. Only checks that something listens there. */
const useGiven = async (address: string): Promise<Started> => {
  const [host = '', port] = address.split(':');
  await listens(host, Number(port)).catch((cause: Error) => {
    throw new Error(`Cannot connect to the Temporal server of TEMPORAL_ADDRESS: ${cause.message}`, { cause });
  });
  return { found: { temporalEnv: { TEMPORAL_ADDRESS: address } }, note: 'yours (TEMPORAL_ADDRESS)' };
};

export const temporal: Part = {
  name: 'temporal',
  async start({ config, children, progress }) {
    if (config.temporalAddress) return useGiven(config.temporalAddress);
    const program = await findTemporal(config, children, (text) => progress.detail(text));
    if (!program) {
      const what = 'not found, so checkout and subscriptions are disabled';
      return { note: `${what}. ${INSTALL_TEMPORAL}, or set TEMPORAL_ADDRESS.` };
    }
    const { dataDir, temporalPort: port, temporalUiPort: uiPort } = config;
    const address = await startTemporal({ program, children, dataDir, port, uiPort });
    // Our own Temporal has one namespace and no API key, so ignore these settings.
    const ours = { TEMPORAL_NAMESPACE: undefined, TEMPORAL_API_KEY: undefined };
    const temporalUiUrl = `http://localhost:${uiPort}`;
    const found = { temporalEnv: { TEMPORAL_ADDRESS: address, ...ours }, temporalUiUrl };
    return { found, rows: [['Temporal UI', temporalUiUrl]] };
  },
};
