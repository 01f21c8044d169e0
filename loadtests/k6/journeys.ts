import exec from 'k6/execution';
import http, { type RefinedResponse, type ResponseType } from 'k6/http';
import { Counter, Rate } from 'k6/metrics';
import { JOURNEYS, type Cast, type Client } from './plan.ts';

/** k6 runs this file once for each journey. */
const journey = JOURNEYS.find(({ name }) => name === __ENV.JOURNEY)!;
const { users, requests } = journey;
const cast = JSON.parse(open(__ENV.CAST!)) as Cast;

/** New connections come within two seconds, so that the queue of the listening socket holds them. */
const whileTimeLasts = {
  executor: 'ramping-vus',
  stages: [
    { duration: '2s', target: users },
    { duration: `${__ENV.SECONDS}s`, target: users },
  ],
};

export const options = {
  scenarios: {
    [journey.name]: {
      exec: journey.name,
      ...(requests
        ? { executor: 'shared-iterations', vus: users, iterations: requests, maxDuration: '2m' }
        : whileTimeLasts),
    },
  },
  summaryTrendStats: ['med', 'p(95)'],
};

const failed = new Rate('failed');
const served = new Counter('served');

/** Counts the answer. `isExpected`: whether it is one that is not an error. */
const judge = (answer: RefinedResponse<ResponseType>, isExpected: boolean): void => {
  failed.add(!isExpected);
  if (isExpected && answer.status < 300) served.add(1);
  if (!isExpected) console.error(`${answer.status} ${answer.error || String(answer.body).slice(0, 500)}`);
};

/** Each virtual user has a client of its own if there are enough. */
const own = (): Client => cast.clients[exec.vu.idInTest % cast.clients.length]!;

const send = (
  token: string,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): RefinedResponse<ResponseType> =>
  http.request(method, cast.apiUrl + path, body ? JSON.stringify(body) : null, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    tags: { name: journey.name },
  });

export const register = (): void => {
  const name = `agent ${exec.vu.idInTest}-${exec.vu.iterationInScenario}`;
  const answer = send(own().managerToken, 'POST', '/agents', { name });
  judge(answer, answer.status === 201);
};

export const issue = (): void => {
  const { agentId, clientSecret } = own();
  const form = { grant_type: 'client_credentials', client_id: agentId, client_secret: clientSecret };
  const answer = http.post(`${cast.apiUrl}/oauth2/token`, form);
  judge(answer, answer.status === 200 && answer.json('token_type') === 'Bearer');
};

export const rotate = (): void => {
  const { agentId, credentialId, managerToken } = own();
  const answer = send(managerToken, 'POST', `/agents/${agentId}/credentials/${credentialId}/rotate`, {});
  judge(answer, answer.status === 200 && String(answer.json('clientSecret')).startsWith('sa_'));
};

export const edge = (): void => {
  const { agentId, token } = cast.free;
  const answer = send(token, 'GET', `/agents/${agentId}`);
  judge(
    answer,
    answer.status === 200 || (answer.status === 429 && answer.json('error') === 'free_tier_limit'),
  );
};

export const handleSummary = (summary: unknown): Record<string, string> => ({
  [__ENV.SUMMARY!]: JSON.stringify(summary),
});
