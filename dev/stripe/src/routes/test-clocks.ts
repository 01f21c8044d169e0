import { advance, deleteClock } from '../clock-runs.ts';
import { createClock, shown } from '../clocks.ts';
import { integer, required, text } from '../parameters.ts';
import type { Stand } from '../stand.ts';
import { find } from '../state.ts';
import type { TestClock } from '../wire.ts';
import { page, paging } from './lists.ts';
import { route } from './route.ts';

const clockOf = ({ state }: Stand, id: string): TestClock => find(state.clocks, id, 'test_clock');

const path = '/v1/test_helpers/test_clocks/{test_clock}';
const frozen_time = required(integer);

export const testClocks = [
  route(
    'POST /v1/test_helpers/test_clocks',
    { frozen_time, name: text },
    (stand, { params: { frozen_time: time, name = null }, cause }) => {
      const clock = createClock(stand, time, name);
      stand.emit(cause, 'test_helpers.test_clock.created', clock);
      return clock;
    },
  ),

  route('GET /v1/test_helpers/test_clocks', paging, (stand, { params }) => {
    const list = page('/v1/test_helpers/test_clocks', stand.state.clocks, params, () => true);
    return { ...list, data: list.data.map((clock) => shown(stand, clock)) };
  }),

  route(`GET ${path}`, {}, (stand, { id }) => shown(stand, clockOf(stand, id))),

  route(`POST ${path}/advance`, { frozen_time }, (stand, { id, params, cause }) =>
    advance(stand, cause, clockOf(stand, id), params.frozen_time),
  ),

  route(`DELETE ${path}`, {}, (stand, { id, cause }) => {
    deleteClock(stand, cause, clockOf(stand, id));
    return { id, object: 'test_helpers.test_clock', deleted: true };
  }),
];
