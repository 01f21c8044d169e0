import { expect, it } from 'vitest';
import { createActivities, type ActivityDeps } from '../src/activities.ts';
import { failpointsOf, phases } from './support/failpoints.ts';

it('a worker can be killed before and after each activity of the billing queue', () => {
  const points = new Set(phases.flatMap(failpointsOf));
  const activities = Object.keys(createActivities({} as ActivityDeps));
  expect(activities.length).toBeGreaterThan(0);
  expect([...points].toSorted()).toEqual(
    activities.flatMap((name) => [`before ${name}`, `after ${name}`]).toSorted(),
  );
});
