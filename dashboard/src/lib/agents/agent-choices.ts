import type { Agent } from '@sentryagent/sdk';

export interface Choice<Value extends string = string> {
  value: Value;
  name: string;
}

const choices = <Value extends string>(names: Record<Value, string>): Choice<Value>[] =>
  (Object.entries(names) as [Value, string][]).map(([value, name]) => ({ value, name }));

export const agentTypes = choices<Agent['agentType']>({
  screener: 'Screener',
  classifier: 'Classifier',
  orchestrator: 'Orchestrator',
  extractor: 'Extractor',
  summarizer: 'Summarizer',
  router: 'Router',
  monitor: 'Monitor',
  custom: 'Custom',
});

export const environments = choices<Agent['deploymentEnv']>({
  development: 'Development',
  staging: 'Staging',
  production: 'Production',
});
