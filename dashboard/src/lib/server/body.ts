const BODY_LIMIT = 64 * 1024;

const isTooLarge = (error: unknown): boolean => (error as { status?: number }).status === 413;

/**
 * The body, or `null` where it is larger than the limit: no more than that is ever held. The rest is read and dropped,
 * because a stream that is left ends the connection before the answer; beyond BODY_SIZE_LIMIT adapter-node breaks it off.
 */
export const readBody = async ({ body }: Request): Promise<Blob | null> => {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    for await (const chunk of body ?? []) {
      size += chunk.byteLength;
      if (size <= BODY_LIMIT) chunks.push(chunk);
    }
  } catch (error) {
    if (isTooLarge(error)) return null;
    throw error;
  }
  return size <= BODY_LIMIT ? new Blob(chunks) : null;
};
