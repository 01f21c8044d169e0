/** Error codes → messages that replace the API's: why the agent was not registered, and what to do next. */
export const registerWords = {
  forbidden:
    'Only an owner or admin of your tenant can register agents and grant scopes. Ask one of them to register the agent.',
} as const;
