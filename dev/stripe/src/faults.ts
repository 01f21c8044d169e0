/** Spoils the next requests whose method and path, by its beginning, are these. */
export interface RequestFault {
  method: string;
  path: string;
  count: number;
  /** Answered instead of what was asked for, which is not done. */
  status?: number;
  /** What was asked for is done, then the connection is cut. */
  cut?: boolean;
  /** Waits before it answers, after all was done. */
  delayMs?: number;
}

export interface Faults {
  /** Deliveries to lose: the next n, or all. */
  dropWebhooks: number | true;
  delayWebhooksMs: number;
  /** Deliveries to send twice: the next n. */
  duplicateWebhooks: number;
  failNext: RequestFault[];
}

export const noFaults = (): Faults => ({
  dropWebhooks: 0,
  delayWebhooksMs: 0,
  duplicateWebhooks: 0,
  failNext: [],
});

const isCount = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;

const KNOWN = {
  dropWebhooks: (value: unknown) => value === true || isCount(value),
  delayWebhooksMs: isCount,
  duplicateWebhooks: isCount,
};

const parseRequestFault = (value: object): RequestFault => {
  const { method, path, count = 1, status, cut, delayMs } = value as Partial<Record<string, unknown>>;
  const ok =
    typeof method === 'string' &&
    typeof path === 'string' &&
    isCount(count) &&
    [status, delayMs].every((number) => number === undefined || isCount(number)) &&
    [undefined, true, false].includes(cut as boolean | undefined);
  if (!ok) throw new Error('failNext is {method, path, count, status?, cut?, delayMs?}');
  const fault = { method: method.toUpperCase(), path, count };
  return {
    ...fault,
    ...(status !== undefined && { status: status as number }),
    ...(cut !== undefined && { cut: cut as boolean }),
    ...(delayMs !== undefined && { delayMs: delayMs as number }),
  };
};

/** Takes what `POST /_dev/faults` was sent into the faults; throws in words where it makes no sense. */
export const addFaults = (faults: Faults, given: unknown): Faults => {
  if (typeof given !== 'object' || given === null) throw new Error('faults are a JSON object');
  const { failNext, ...rest } = given as Record<string, unknown>;
  const wrong = Object.entries(rest).find(
    ([name, value]) => !(Object.hasOwn(KNOWN, name) && KNOWN[name as keyof typeof KNOWN](value)),
  );
  if (wrong) throw new Error(`${wrong[0]} is not a fault, or its value is invalid`);
  const added = [failNext ?? []].flat().map((fault) => parseRequestFault(Object(fault) as object));
  faults.failNext.push(...added);
  return Object.assign(faults, rest);
};

/** The fault of this request, counted down. */
export const takeFault = (faults: Faults, method: string, path: string): RequestFault | undefined => {
  const fault = faults.failNext.find(
    (one) => one.count > 0 && one.method === method && path.startsWith(one.path),
  );
  if (fault) fault.count -= 1;
  return fault;
};

/** Counts one down; whether there was one to count. */
export const takeOne = (faults: Faults, name: 'dropWebhooks' | 'duplicateWebhooks'): boolean => {
  const left = faults[name];
  if (left === true) return true;
  if (left > 0) faults[name] = left - 1;
  return left > 0;
};
