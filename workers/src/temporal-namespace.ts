import { searchAttributes } from '@sentryagent/workflows/contracts';
import { DAY_SECONDS } from '@sentryagent/workflows/rules/durations';
import type { Logger } from '@sentryagent/api/platform/logger';
import type { Temporal } from '@sentryagent/api/platform/temporal';

/** `temporal.api.enums.v1.IndexedValueType` */
const TYPES = { KEYWORD: 2, DATETIME: 6 } as const;
const CLI_TYPES = { KEYWORD: 'Keyword', DATETIME: 'Datetime' } as const;

/** Completed runs stay visible for operators, and callers can get the result of their update again. */
const RETENTION_SECONDS = 7 * DAY_SECONDS;
const DEADLINE_MS = 10_000;

const attributes = Object.values(searchAttributes);

const addSearchAttributes = (temporal: Temporal, namespace: string): Promise<unknown> =>
  temporal.within(DEADLINE_MS, ({ connection }) =>
    connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(attributes.map(({ name, type }) => [name, TYPES[type]])),
    }),
  );

const keepLonger = (temporal: Temporal, namespace: string): Promise<void> =>
  temporal.within(DEADLINE_MS, async ({ connection }) => {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    if (Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) >= RETENTION_SECONDS) return;
    await connection.workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: { seconds: RETENTION_SECONDS as never } },
    });
  });

/**
 * Registers the search attributes and the retention, which may exist already. If the cluster allows this only to
 * operators (Temporal Cloud), logs the commands to run and continues.
 */
export const prepareNamespace = async (
  temporal: Temporal,
  namespace: string,
  logger: Logger,
): Promise<void> => {
  const commands = [
    ...attributes.map(
      ({ name, type }) =>
        `temporal operator search-attribute create -n ${namespace} --name ${name} --type ${CLI_TYPES[type]}`,
    ),
    `temporal operator namespace update -n ${namespace} --retention 7d`,
  ];
  try {
    await addSearchAttributes(temporal, namespace);
    await keepLonger(temporal, namespace);
  } catch (error) {
    logger.warn(
      { err: error, commands },
      'setting up the Temporal namespace failed; run these commands once',
    );
  }
};
