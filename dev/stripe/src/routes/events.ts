import { arrayOf, text } from '../parameters.ts';
import { find } from '../state.ts';
import { page, paging, times } from './lists.ts';
import { route } from './route.ts';

/** `customer.subscription.*` matches all events of this kind. */
const isOf = (type: string, wanted: string): boolean =>
  wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted;

export const events = [
  route('GET /v1/events/{id}', {}, ({ state }, { id }) => find(state.events, id, 'event')),

  route(
    'GET /v1/events',
    { ...paging, created: times, type: text, types: arrayOf(text) },
    ({ state }, { params }) => {
      const { created, type, types = type === undefined ? undefined : [type] } = params;
      return page(
        '/v1/events',
        state.events,
        params,
        (event) =>
          (created === undefined || created(event.created)) &&
          (types === undefined || types.some((wanted) => isOf(event.type, wanted))),
      );
    },
  ),
];
