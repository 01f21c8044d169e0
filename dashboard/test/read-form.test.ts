import { expect, it } from 'vitest';
import { readBody } from '../src/lib/server/body.ts';
import { readForm } from '../src/lib/server/read-form.ts';
import { visitorAddress } from '../src/lib/server/visitor.ts';

const LIMIT = 64 * 1024;
const send = (body: BodyInit | undefined, type?: string) =>
  new Request('http://dashboard.test', {
    method: 'POST',
    ...(body !== undefined && { body }),
    ...(type && { headers: { 'content-type': type } }),
  });
const FORM = 'application/x-www-form-urlencoded';

it.each([0, 1, LIMIT])('A body of %i bytes is read whole', async (size) => {
  const body = await readBody(send('x'.repeat(size)));
  expect(await body?.text()).toBe('x'.repeat(size));
});

it('a body over 64 KiB is not kept', async () => {
  expect(await readBody(send('x'.repeat(LIMIT + 1)))).toBeNull();
  expect((await readBody(send(undefined)))?.size).toBe(0);
});

const failing = (error: Error) =>
  ({ body: new ReadableStream({ pull: (controller) => controller.error(error) }) }) as unknown as Request;

it('a body that the server itself found too large is too large, another failure is a failure', async () => {
  expect(await readBody(failing(Object.assign(new Error('large'), { status: 413 })))).toBeNull();
  await expect(readBody(failing(new Error('reset')))).rejects.toThrow('reset');
});

it.each([FORM, `${FORM.toUpperCase()}`, `${FORM} ; charset=utf-8`, `${FORM};charset=utf-8`])(
  'reads the fields of a form sent as %s, empty if missing',
  async (type) => {
    expect(await readForm(send('a=1&b=x+y&c=3', type), ['a', 'b', 'd'])).toEqual({ a: '1', b: 'x y', d: '' });
  },
);

it('reads a multipart form', async () => {
  const form = new FormData();
  form.set('a', '1');
  expect(await readForm(send(form), ['a'])).toEqual({ a: '1' });
});

it.each<[what: string, request: () => Request, status: number, words: RegExp]>([
  ['too large', () => send('x'.repeat(LIMIT + 1), FORM), 413, /64 KiB/],
  ['JSON', () => send('{}', 'application/json'), 415, /^The request is not a form/],
  ['no type', () => send(new Uint8Array([1])), 415, /^The request is not a form/],
  ['another type that begins alike', () => send('a=1', `${FORM}x`), 415, /^The request is not a form/],
  ['a type that only ends alike', () => send('a=1', `x${FORM}`), 415, /^The request is not a form/],
  ['broken multipart', () => send('x', 'multipart/form-data; boundary=b'), 400, /could not be read/],
  ['a field sent twice', () => send('a=1&a=2', FORM), 400, /“a” once/],
])('refuses a form that is %s', async (_what, request, status, words) => {
  await expect(readForm(request(), ['a'])).rejects.toMatchObject({
    status,
    body: { message: expect.stringMatching(words) },
  });
});

it('reads every value of a list', async () => {
  expect(await readForm(send('a=1&b=2&b=3', FORM), ['a'], ['b', 'c'])).toEqual({
    a: '1',
    b: ['2', '3'],
    c: [],
  });
  const form = new FormData();
  form.append('b', 'x');
  form.append('b', new File(['x'], 'x.txt'));
  await expect(readForm(send(form), [], ['b'])).rejects.toMatchObject({
    status: 400,
    body: { message: 'Send the field “b” as text.' },
  });
});

it('refuses a file in place of text', async () => {
  const form = new FormData();
  form.set('a', new File(['x'], 'x.txt'));
  await expect(readForm(send(form), ['a'])).rejects.toMatchObject({ status: 400 });
});

it.each([
  ['what the proxy tells', () => '203.0.113.8', '203.0.113.8'],
  ['the connection, if the proxy tells no address', () => 'unknown', '127.0.0.1'],
  [
    'the connection, if the header is missing',
    () => {
      throw new Error('no header');
    },
    '127.0.0.1',
  ],
])('the visitor’s address is %s', (_what, getClientAddress, address) => {
  const platform = { req: { socket: { remoteAddress: '127.0.0.1' } } } as App.Platform;
  expect(visitorAddress({ getClientAddress, platform })).toBe(address);
  expect(visitorAddress({ getClientAddress: () => '', platform: undefined })).toBeUndefined();
});
