// Whoever may invoke the function may send it anything: what is not a step of a compaction is refused by name, and nothing that could
// become part of a key passes unchecked.
import { expect, test } from 'vitest'
import { compactionStep } from '#functions/compact/request.ts'

test('steps as the workflow sends them', () => {
  expect(
    compactionStep({
      action: 'plan',
      table: 'orders',
      run: 'b5e1-7_x',
      groupsMax: 100,
      where: 'id = 1',
      strategy: 'sort',
      partialProgress: true,
    }),
  ).toEqual({
    action: 'plan',
    ...{ table: 'orders', run: 'b5e1-7_x', groupsMax: 100, where: 'id = 1', strategy: 'sort', partialProgress: true },
    dryRun: undefined,
  })
  expect(compactionStep({ action: 'rewrite', table: 't', run: 'r', group: 0 })).toEqual({
    action: 'rewrite',
    table: 't',
    run: 'r',
    group: 0,
  })
  expect(compactionStep({ action: 'commit', table: 't', run: 'r', extra: 1 })).toEqual({
    action: 'commit',
    table: 't',
    run: 'r',
  })
})

test.each<[string, unknown, string]>([
  ['nothing', undefined, 'table'],
  ['text', 'plan', 'table'],
  ['no table', { action: 'plan' }, 'table'],
  ['a table of another case', { action: 'plan', table: 'Orders' }, 'table'],
  ['a path for a table', { action: 'plan', table: '../orders' }, 'table'],
  ['another action', { action: 'drop', table: 'orders' }, 'action'],
  ['a path for a run', { action: 'commit', table: 'orders', run: 'a/b' }, 'run'],
  ['no run', { action: 'commit', table: 'orders' }, 'run'],
  ['half a group', { action: 'rewrite', table: 'orders', run: 'r', group: 0.5 }, 'group'],
  ['a group before the first', { action: 'rewrite', table: 'orders', run: 'r', group: -1 }, 'group'],
  ['a group as text', { action: 'rewrite', table: 'orders', run: 'r', group: '0' }, 'group'],
  ['no groups at all', { action: 'plan', table: 'orders', groupsMax: 0 }, 'groupsMax'],
  ['another strategy', { action: 'plan', table: 'orders', strategy: 'hilbert' }, 'strategy'],
  ['an empty condition', { action: 'plan', table: 'orders', where: ' ' }, 'where'],
  ['a flag as text', { action: 'plan', table: 'orders', dryRun: 'yes' }, 'dryRun'],
])('%s is refused', (_what, event, field) => {
  expect(() => compactionStep(event)).toThrow(expect.objectContaining({ kind: 'event-invalid', context: { field } }))
})
