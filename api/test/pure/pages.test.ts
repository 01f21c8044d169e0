import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { answerDocument, toDocument } from '../../src/http/documents.ts';
import { pageSchema, presentPage } from '../../src/http/paging.ts';
import { newId } from '../../src/platform/ids.ts';
import { decodeCursor, toPage } from '../../src/platform/page.ts';

describe('a page', () => {
  const rows = (count: number) => Array.from({ length: count }, () => ({ id: newId('agt') }));

  it('has a cursor to the next one, if there is more', () => {
    const found = rows(4);
    const page = toPage(found, 3);
    expect(page.rows).toEqual(found.slice(0, 3));
    expect(decodeCursor('agt', page.nextCursor!)).toBe(found[2]!.id);
    for (const count of [0, 1, 2]) expect(toPage(rows(count), 2)).toMatchObject({ nextCursor: null });
    expect(toPage(rows(1), 0)).toEqual({ rows: [], nextCursor: null });
  });

  it.each(['', 'x', 'agt_1', newId('agt'), Buffer.from(newId('usr')).toString('base64url')])(
    'has no such cursor: %s',
    (cursor) => {
      expect(() => decodeCursor('agt', cursor)).toThrow(
        expect.objectContaining({
          code: 'validation_failed',
          detail: 'Cursor is not valid. Start again without a cursor.',
        }),
      );
    },
  );

  it('is answered row by row', () => {
    const page = presentPage({ rows: [1, 2], nextCursor: 'x' }, (row) => row * 10);
    expect(page).toEqual({ data: [10, 20], nextCursor: 'x' });
    const schema = pageSchema(z.number(), 'Numbers');
    expect(schema.parse(page)).toEqual(page);
    expect(schema.safeParse({ data: ['x'], nextCursor: null }).success).toBe(false);
  });
});

describe('a public document', () => {
  const document = toDocument({ a: 1 });
  const answer = (ifNoneMatch?: string) =>
    answerDocument(document, { headers: { 'if-none-match': ifNoneMatch } });

  it('has a validator of its content', () => {
    expect(document.json).toBe('{"a":1}');
    expect(document.etag).toMatch(/^"[\w-]{22}"$/);
    expect(toDocument({ a: 2 }).etag).not.toBe(document.etag);
    const headers = { 'Cache-Control': 'public, max-age=300', ETag: document.etag };
    expect(answer()).toEqual({ status: 200, headers, json: '{"a":1}' });
    expect(answer(document.etag)).toEqual({ status: 304, headers });
  });

  it.each([
    ['*', 304],
    [' * ', 304],
    [`W/${document.etag}`, 304],
    [`"x" , ${document.etag}`, 304],
    [`"x",W/${document.etag} `, 304],
    ['"x"', 200],
    ['', 200],
    [document.etag.slice(1, -1), 200],
    [`"W/${document.etag.slice(1)}`, 200],
    [`xW/${document.etag}`, 200],
  ])('is answered to If-None-Match %s with %i', (header, status) => {
    expect(answer(header).status).toBe(status);
  });
});
