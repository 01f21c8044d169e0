/** Why an agent was not registered and what to do next, by the API's code; for others its own words do. */
export const registerWords = {
  forbidden:
    'Only an owner or admin of your tenant can register agents and grant scopes. Ask one of them to register the agent.',
} as const;
