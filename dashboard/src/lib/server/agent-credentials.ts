import { ApiError, type AddKeyData, type Client, type NewCredential, type Once } from '@sentryagent/sdk';
import { fail, redirect } from '@sveltejs/kit';
import { changeWords } from '#lib/agents/change-words.ts';
import type { MadeSecret } from '#lib/agents/made-secret.ts';
import { changeAgent, type AgentEvent } from './agent-page.ts';
import { apiFor } from './api.ts';
import { failForm, isTemporary } from './failures.ts';
import { readPublicKey } from './public-key.ts';
import { readForm } from './read-form.ts';

/** Those that show what is wrong with them. The form says the rest. */
const fields = ['name', 'expiresAt', 'publicKey'];

/** An empty field of a form is an omitted one of a request. */
const given = (text: string): string | undefined => text.trim() || undefined;

interface Form {
  name: string;
  expiresAt: string;
  credentialId: string;
  overlapSeconds: string;
  /** Sent with the same value, a form creates one secret, even if it is sent twice. */
  once: string;
}

/**
 * Only this response contains the secret. If the form is sent again within 10 minutes, it gets the same one: the
 * response may have been lost. After that, the page says that the secret was shown once.
 */
const makeSecret = async (
  event: AgentEvent,
  form: Form,
  make: (api: Client, once: Once) => Promise<NewCredential>,
  why: (made: NewCredential) => MadeSecret['why'],
) => {
  let isRepeated = false;
  const api = apiFor(event, ({ headers }) => {
    isRepeated = headers.get('idempotent-replayed') === 'true';
  });
  try {
    const made = await make(api, { idempotencyKey: given(form.once) });
    const { clientId, clientSecret, credentialId, overlapUntil } = made;
    return { made: { clientId, clientSecret, credentialId, overlapUntil, why: why(made), isRepeated } };
  } catch (failure) {
    if (failure instanceof ApiError && failure.code === 'idempotent_answer_gone')
      redirect(303, `/agents/${event.params.agentId}/secret`);
    // If the outcome is unknown, the same attempt is repeated. Otherwise the next one is new.
    const once = failure instanceof ApiError && isTemporary(failure) ? form.once : '';
    return failForm(event, failure, { ...form, once }, fields, changeWords);
  }
};

const noForm: Form = { name: '', expiresAt: '', credentialId: '', overlapSeconds: '', once: '' };

export const createSecret = async (event: AgentEvent) => {
  const form = await readForm(event.request, ['name', 'expiresAt', 'once']);
  const terms = { name: given(form.name), expiresAt: given(form.expiresAt) };
  return makeSecret(
    event,
    { ...noForm, ...form },
    (api, once) => api.agents.createCredential(event.params.agentId, terms, once),
    () => 'created',
  );
};

/** Replaces a secret. The old one still works for the chosen overlap. */
export const rotateSecret = async (event: AgentEvent) => {
  const form = await readForm(event.request, ['credentialId', 'overlapSeconds', 'once']);
  // A missing overlap must not end the old secret: the API rejects it.
  const overlapSeconds = Number(form.overlapSeconds || Number.NaN);
  return makeSecret(
    event,
    { ...noForm, ...form },
    (api, once) => api.credentials.rotate(event.params.agentId, form.credentialId, { overlapSeconds }, once),
    () => (overlapSeconds > 0 ? 'rotated' : 'replaced'),
  );
};

/** The form says which credential. */
const change = async (event: AgentEvent, how: 'revoke' | 'endOverlap', done: 'revoked' | 'overlap-ended') => {
  const { credentialId } = await readForm(event.request, ['credentialId']);
  const changed = apiFor(event).credentials[how](event.params.agentId, credentialId);
  return changeAgent(event, changed, `/credentials?done=${done}`);
};

export const revokeCredential = (event: AgentEvent) => change(event, 'revoke', 'revoked');

export const endOverlap = (event: AgentEvent) => change(event, 'endOverlap', 'overlap-ended');

/** Adds a public key, from a JWK or a PEM. A private key is not sent back to the page. */
export const addKey = async (event: AgentEvent) => {
  const values = await readForm(event.request, ['name', 'expiresAt', 'publicKey']);
  const key = readPublicKey(values.publicKey);
  if (key.wrong !== undefined) {
    const problem = { message: key.wrong, fields: { publicKey: key.wrong } };
    return fail(400, { problem, values: { ...values, publicKey: '' } });
  }
  const added = apiFor(event).agents.addKey(event.params.agentId, {
    name: given(values.name),
    expiresAt: given(values.expiresAt),
    publicKey: key.jwk as AddKeyData['body']['publicKey'],
  });
  return changeAgent(event, added, '/credentials?done=key-added', { values, fields });
};
