const BODY_LIMIT = 64 * 1024;

const isTooLarge = (error: unknown): boolean => (error as { status?: number }).status === 413;

/**
 * Returns the body, or `null` if it exceeds the limit. The rest is read and discarded, because an unread stream closes
 * the connection before the response. Above BODY_SIZE_LIMIT, adapter-node stops reading.
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
