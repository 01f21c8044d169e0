import { callCommand, tokenCommand } from './commands.ts';

/** The first call of a new agent: a request that its scopes allow. */
export interface FirstCall {
  /** What the call demonstrates. */
  words: string;
  path: string;
  /** Whether the client introspects its own token, which needs no scope. */
  introspects: boolean;
}

export const firstCall = (scopes: readonly string[]): FirstCall => {
  if (scopes.includes('agents:read'))
    return {
      words: 'It lists your agents and counts as one API call.',
      path: '/agents',
      introspects: false,
    };
  if (scopes.includes('billing:read'))
    return {
      words: 'It shows your usage and counts as one API call.',
      path: '/billing/usage',
      introspects: false,
    };
  return {
    words: 'It checks the token and shows its scopes.',
    path: '/oauth2/introspect',
    introspects: true,
  };
};

export type Language = 'curl' | 'TypeScript' | 'Python';

/** A program that gets a token and makes the first call. It reads the secret from the variable CLIENT_SECRET. */
export interface Snippet {
  language: Language;
  /** How to run it. */
  how: string;
  code: string;
}

interface Parts {
  apiUrl: string;
  clientId: string;
  call: FirstCall;
}

const curl = ({ apiUrl, clientId, call }: Parts): string[] => [
  tokenCommand(apiUrl, clientId),
  '',
  call.introspects
    ? callCommand(apiUrl + call.path, `-u "${clientId}:$CLIENT_SECRET" \\\n  -d token="$TOKEN"`)
    : callCommand(apiUrl + call.path),
];

const typescript = ({ apiUrl, clientId, call }: Parts): string[] => [
  `const basic = 'Basic ' + btoa(\`${clientId}:\${process.env.CLIENT_SECRET}\`);`,
  '',
  'const ask = async (path: string, authorization: string, form?: Record<string, string>) => {',
  `  const response = await fetch('${apiUrl}' + path, {`,
  '    headers: { authorization },',
  "    ...(form && { method: 'POST', body: new URLSearchParams(form) }),",
  '  });',
  '  if (!response.ok) throw new Error(await response.text());',
  '  return response.json();',
  '};',
  '',
  "const { access_token: token } = await ask('/oauth2/token', basic, {",
  "  grant_type: 'client_credentials',",
  '});',
  call.introspects
    ? `const answer = await ask('${call.path}', basic, { token });`
    : `const answer = await ask('${call.path}', \`Bearer \${token}\`);`,
  'console.log(JSON.stringify(answer, null, 2));',
];

const python = ({ apiUrl, clientId, call }: Parts): string[] => [
  'import base64, json, os, sys',
  'from urllib.error import HTTPError',
  'from urllib.parse import urlencode',
  'from urllib.request import Request, urlopen',
  '',
  `client = "${clientId}:" + os.environ["CLIENT_SECRET"]`,
  'basic = "Basic " + base64.b64encode(client.encode()).decode()',
  '',
  '',
  'def ask(path, authorization, form=None):',
  '    body = urlencode(form).encode() if form else None',
  `    request = Request("${apiUrl}" + path, body, {"Authorization": authorization})`,
  '    try:',
  '        with urlopen(request) as response:',
  '            return json.load(response)',
  '    except HTTPError as error:',
  '        sys.exit(error.read().decode())',
  '',
  '',
  'token = ask("/oauth2/token", basic, {"grant_type": "client_credentials"})["access_token"]',
  call.introspects
    ? `answer = ask("${call.path}", basic, {"token": token})`
    : `answer = ask("${call.path}", "Bearer " + token)`,
  'print(json.dumps(answer, indent=2))',
];

export const snippetsOf = (apiUrl: string, clientId: string, scopes: readonly string[]): Snippet[] => {
  const parts: Parts = { apiUrl, clientId, call: firstCall(scopes) };
  const snippet = (language: Language, how: string, lines: string[]): Snippet => ({
    language,
    how,
    code: lines.join('\n'),
  });
  return [
    snippet('curl', 'Run it in the same shell.', curl(parts)),
    snippet('TypeScript', 'Save it as first-call.mts and run: node first-call.mts', typescript(parts)),
    snippet('Python', 'Save it as first_call.py and run: python3 first_call.py', python(parts)),
  ];
};
