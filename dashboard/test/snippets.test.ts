import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { envFile, envFileName, isClientSecret, loadCommand } from '../src/lib/agents/env-file.ts';
import { firstCall, snippetsOf } from '../src/lib/agents/snippets.ts';

const clientId = 'agt_01';
const clientSecret = `sa_${'a'.repeat(26)}_${'-b_C'.repeat(11).slice(0, 43)}_0a1b2c3d`;

const codeOf = (scopes: string[], apiUrl = 'https://api.example.com'): string =>
  snippetsOf(apiUrl, clientId, scopes)[0]!.code;

/** Runs the lines as shown, with a curl that says what it was asked and answers as the token endpoint does. */
const run = (script: string, cwd?: string): string =>
  execFileSync('sh', ['-c', script], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

const curl = `CLIENT_SECRET=s3cret
curl() { case "$*" in
  *oauth2/token*) printf '%s|' "$@" >&3; echo '{"access_token":"eyJ.a-b_c","token_type":"Bearer"}' ;;
  *) printf '%s|' "$@" ;;
esac; }
exec 3>&1
`;

const TOKEN_CALL =
  '--fail-with-body|-sS|https://api.example.com/oauth2/token|-u|agt_01:s3cret|-d|grant_type=client_credentials|';

describe('the code for curl', () => {
  it.each([
    [['agents:read', 'billing:read'], /lists your agents/, '/agents'],
    [['billing:read'], /shows your usage/, '/billing/usage'],
  ])('gets a token and calls what the scopes %j permit', (scopes, words, path) => {
    expect(firstCall(scopes).words).toMatch(words);
    expect(run(curl + codeOf(scopes))).toBe(
      `${TOKEN_CALL}--fail-with-body|-sS|https://api.example.com${path}|-H|Authorization: Bearer eyJ.a-b_c|`,
    );
  });

  it('lets an agent without such a scope check its own token', () => {
    expect(firstCall(['tokens:read']).words).toBe('It checks the token and shows its scopes.');
    expect(run(curl + codeOf(['tokens:read']))).toBe(
      `${TOKEN_CALL}--fail-with-body|-sS|https://api.example.com/oauth2/introspect|-u|agt_01:s3cret|-d|token=eyJ.a-b_c|`,
    );
  });

  it('shows a refusal of the token endpoint', () => {
    const refusing = `exec 2>&1\ncurl() { echo '{"error":"invalid_client"}'; }\n`;
    const [token] = codeOf(['agents:read']).split('\n\n');
    expect(run(`${refusing}${token}\necho "TOKEN is <$TOKEN>"`)).toBe(
      '{"error":"invalid_client"}\nTOKEN is <>\n',
    );
  });
});

it('no code contains a secret, and each reads it from the variable', () => {
  for (const { code } of snippetsOf('https://a', clientId, ['agents:read'])) {
    expect(code).toContain('CLIENT_SECRET');
    expect(code).not.toMatch(/sa_/);
  }
});

describe('the file', () => {
  it('sets the variables of a shell by the command that is shown', () => {
    const folder = mkdtempSync(join(tmpdir(), 'env-file-'));
    const name = envFileName({ name: 'Invoice reader: north', agentId: clientId });
    writeFileSync(join(folder, name), envFile('https://api.example.com', { clientId, clientSecret }));
    const script = `${loadCommand(name)}\nsh -c 'echo "$API_URL $CLIENT_ID $CLIENT_SECRET"'`;
    expect(run(script, folder)).toBe(`https://api.example.com ${clientId} ${clientSecret}\n`);
  });

  it.each([
    ['Invoice reader: north', 'invoice-reader-north.env'],
    ['../../etc/passwd', 'etc-passwd.env'],
    ['"; filename=x', 'filename-x.env'],
    ['予約', 'agt_01.env'],
  ])('is named after the agent %j', (name, expected) => {
    expect(envFileName({ name, agentId: clientId })).toBe(expected);
  });

  it.each(['', 'sa_x', `${clientSecret}\nEVIL=1`, `x${clientSecret}`, clientSecret.replace('_0a', '_0A')])(
    'is not made of %j',
    (text) => {
      expect(isClientSecret(clientSecret)).toBe(true);
      expect(isClientSecret(text)).toBe(false);
    },
  );
});
