import { error } from '@sveltejs/kit';
import { envFile, envFileName, isClientSecret } from '#lib/agents/env-file.ts';
import { loadAgent } from '#lib/server/agent-page.ts';
import { config } from '#lib/server/config.ts';
import { readForm } from '#lib/server/read-form.ts';
import type { RequestHandler } from './$types';

/** Returns the secret that the page sends, as a file. The server does not store it. */
export const POST: RequestHandler = async (event) => {
  const { clientSecret } = await readForm(event.request, ['clientSecret']);
  if (!isClientSecret(clientSecret)) error(400, 'This is not a client secret. Create a new one.');
  const { agent } = await loadAgent(event);
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'content-disposition': `attachment; filename="${envFileName(agent)}"`,
  };
  return new Response(envFile(config.publicApiUrl, { clientId: agent.agentId, clientSecret }), { headers });
};
