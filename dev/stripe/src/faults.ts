/** A fault for the next requests with this method and path prefix. */
export interface RequestFault {
  method: string;
  path: string;
  count: number;
  /** This response is sent, and the request is not executed. */
  status?: number;
  /** The request is executed, then the connection is closed without a response. */
  cut?: boolean;
  /** Delays the response after the request was executed. */
  delayMs?: number;
}

export interface Faults {
  /** Webhook deliveries to drop: the next n, or all. */
  dropWebhooks: number | true;
  delayWebhooksMs: number;
  /** Webhook deliveries to send twice: the next n. */
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

/** Adds the body of `POST /_dev/faults` to the faults. Throws an error if it is invalid. */
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

/** The fault for this request. Decrements its counter. */
export const takeFault = (faults: Faults, method: string, path: string): RequestFault | undefined => {
  const fault = faults.failNext.find(
    (one) => one.count > 0 && one.method === method && path.startsWith(one.path),
  );
  if (fault) fault.count -= 1;
  return fault;
};

/** Decrements the counter. Returns whether it was above zero. */
export const takeOne = (faults: Faults, name: 'dropWebhooks' | 'duplicateWebhooks'): boolean => {
  const left = faults[name];
  if (left === true) return true;
  if (left > 0) faults[name] = left - 1;
  return left > 0;
};
