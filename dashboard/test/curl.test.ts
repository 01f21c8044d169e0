import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { firstCall, tokenCommand } from '../src/lib/agents/curl.ts';

const credential = { clientId: 'agt_01', clientSecret: 'sa_01_a-b_c' };

/** Runs the lines as shown, with a curl that says what it was asked and answers as the token endpoint does. */
const run = (script: string): string =>
  execFileSync('sh', ['-c', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });

const curl = `curl() { case "$*" in
  *oauth2/token*) echo '{"access_token":"eyJ.a-b_c","token_type":"Bearer","expires_in":900}' ;;
  *) printf '%s|' "$@" ;;
esac; }`;

it('hands the token of the first command to the second', () => {
  const url = 'https://api.example.com';
  expect(
    run(
      [curl, tokenCommand(url, credential), firstCall(url, credential, ['agents:read']).command].join('\n'),
    ),
  ).toBe('--fail-with-body|-sS|https://api.example.com/agents|-H|Authorization: Bearer eyJ.a-b_c|');
});

it('names the client by Basic', () => {
  const shown = tokenCommand('https://api.example.com', credential);
  expect(shown).toContain("-u 'agt_01:sa_01_a-b_c'");
  expect(shown).toContain('https://api.example.com/oauth2/token');
});

it('shows a refusal of the token endpoint', () => {
  const refusing = `curl() { echo '{"error":"invalid_client"}'; }`;
  const command = tokenCommand('https://api.example.com', credential);
  const script = `exec 2>&1\n${refusing}\n${command}\necho "TOKEN is <$TOKEN>"`;
  expect(run(script)).toBe('{"error":"invalid_client"}\nTOKEN is <>\n');
});

it.each([
  [['agents:read', 'billing:read'], /lists your agents/, '--fail-with-body|-sS|https://a|/agents'],
  [['billing:read'], /shows your usage/, '--fail-with-body|-sS|https://a|/billing/usage'],
])('calls what the scopes %j permit', (scopes, words, asked) => {
  const call = firstCall('https://a|', credential, scopes);
  expect(call.words).toMatch(words);
  expect(run(`${curl}\nTOKEN=t\n${call.command.replace('https://a|', "'https://a|'")}`)).toBe(
    `${asked}|-H|Authorization: Bearer t|`,
  );
});

it('lets an agent without such a scope check its own token', () => {
  const { words, command } = firstCall('https://a', credential, ['tokens:read']);
  expect(words).toBe('It checks the token and shows its scopes.');
  expect(run(`${curl}\nTOKEN=t\n${command}`)).toBe(
    '--fail-with-body|-sS|https://a/oauth2/introspect|-u|agt_01:sa_01_a-b_c|-d|token=t|',
  );
});

it('asks for the token by the client’s grant', () => {
  const command = tokenCommand('https://a', credential);
  expect(run(`curl() { printf '%s|' "$@" >&3; }\nexec 3>&1\n${command}`)).toBe(
    '--fail-with-body|-sS|https://a/oauth2/token|-u|agt_01:sa_01_a-b_c|-d|grant_type=client_credentials|',
  );
});
