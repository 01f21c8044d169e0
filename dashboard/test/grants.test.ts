import { expect, it } from 'vitest';
import { grantOf, toGrants } from '#lib/resources/grants.ts';

const [crm, urn] = ['https://crm.example/api', 'urn:example:erp'];

it('the selected boxes are the grants of each resource', () => {
  const selected = [grantOf(crm, 'read'), grantOf(urn, 'read'), grantOf(crm, 'write')];
  expect(toGrants(selected)).toEqual([
    { resource: crm, scopes: ['read', 'write'] },
    { resource: urn, scopes: ['read'] },
  ]);
  expect(toGrants([])).toEqual([]);
});

it.each([
  ['', '', ''],
  [crm, crm, ''],
  [`${crm} a b`, crm, 'a b'],
  ['__proto__ read', '__proto__', 'read'],
])('%j of a form that was tampered with is what the API refuses', (value, resource, scope) => {
  expect(toGrants([value])).toEqual([{ resource, scopes: [scope] }]);
});
