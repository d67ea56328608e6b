// `compact` plans, rewrites groups side by side, each on its route, and commits what was finished: a group that fails keeps
// no other from its commit, and is told of by "Compaction Failed" and a failed execution.
import { expect, test } from 'vitest'
import { PAYLOAD_BYTES_MAX } from '#local/asl/errors.ts'
import type { TaskCall } from '#local/asl/runtime.ts'
import { compact, GROUPS_MAX } from '#workflows/compact.ts'
import { named } from '../local/virtual-clock.ts'
import { type Payload, type Ran, runMachine, validate } from './run-machine.ts'

const targets = {
  compact: 'arn:aws:lambda:eu-west-1:123456789012:function:compact',
  bus: 'sluice',
  database: 'lake',
  athena: { workGroup: 'sluice', output: 's3://ops-bucket/athena/' },
  groupsAtOnce: 5,
  windowMinutes: 15,
}

/** As EventBridge hands it over: the detail of "Table Committed" has more fields than the plan may see. */
const event = { source: 'sluice', detail: { table: 'orders', dataset: 'orders', compactionDue: true, smallFiles: 9 } }

interface Group {
  readonly group: number
  readonly route: string
  readonly where?: string
}

const byFunction = (count: number): readonly Group[] =>
  Array.from({ length: count }, (_, at) => ({ group: at + 1, route: 'function' }))

const planned = (groups: readonly Group[]) => ({
  table: 'orders',
  run: 'run-1',
  snapshotId: '9007199254740993',
  groups,
})

/** Runs `compact` over these groups; `rewrite` and `optimize` say what becomes of one. */
function run(
  groups: readonly Group[],
  steps: {
    readonly rewrite?: (payload: Payload) => unknown
    readonly commit?: () => unknown
    readonly optimize?: (call: TaskCall) => unknown
  } = {},
): Promise<Ran> {
  return runMachine(compact(targets), event, {
    answer: payload => {
      if (payload.action === 'plan') return planned(groups)
      if (payload.action === 'rewrite') return (steps.rewrite ?? (() => ({})))(payload)
      return (steps.commit ?? (() => ({ table: 'orders', snapshotId: '17' })))()
    },
    service: call => (call.resource.includes('athena') ? (steps.optimize ?? (() => ({})))(call) : {}),
  })
}

const broken = (message: string, name = 'Sluice.Terminal') => {
  throw named(name, message)
}

test('the definition is valid Amazon States Language', () => {
  expect(validate(compact(targets))).toMatchObject({ isValid: true, errors: [] })
})

test('plan, every group, commit', async () => {
  const { execution, did, calls } = await run(byFunction(3))
  expect(execution).toEqual({ status: 'SUCCEEDED', output: { table: 'orders', snapshotId: '17' } })
  expect(did).toEqual(['plan orders', 'rewrite 1', 'rewrite 2', 'rewrite 3', 'commit orders'])
  const payloads = calls.map(call => (call.arguments as { readonly Payload: unknown }).Payload)
  expect(payloads[0]).toEqual({
    action: 'plan',
    table: 'orders',
    run: 'run-1',
    groupsMax: GROUPS_MAX,
    windowMinutes: 15,
  })
  expect(payloads[1]).toEqual({ action: 'rewrite', table: 'orders', run: 'run-1', group: 1 })
  expect(payloads[4]).toEqual({ action: 'commit', table: 'orders', run: 'run-1' })
})

test('one group is a list of one', async () => {
  expect((await run(byFunction(1))).did).toEqual(['plan orders', 'rewrite 1', 'commit orders'])
})

test('nothing to do: nothing is rewritten and nothing committed', async () => {
  const { execution, did } = await run([])
  expect(execution.status).toBe('SUCCEEDED')
  expect(did).toEqual(['plan orders'])
})

test('started by hand, it takes where, strategy and partial progress, and nothing else', async () => {
  const wishes = { table: 'orders', where: "day >= DATE '2026-01-01'", strategy: 'sort', partialProgress: true }
  const { calls } = await runMachine(
    compact(targets),
    { detail: { ...wishes, action: 'commit', groupsMax: 100_000 } },
    { answer: () => planned([]) },
  )
  expect(calls[0]?.arguments).toMatchObject({
    Payload: { ...wishes, action: 'plan', run: 'run-1', groupsMax: GROUPS_MAX },
  })
  expect(Object.keys((calls[0] as TaskCall & { arguments: { Payload: object } }).arguments.Payload)).toHaveLength(7)
})

test('only executions that a commit started leave the work to each other', async () => {
  const scheduled = { detail: { table: 'orders', ifExists: true } }
  const { calls } = await runMachine(compact(targets), scheduled, { answer: () => planned([]) })
  expect(calls[0]?.arguments).toMatchObject({
    Payload: { action: 'plan', table: 'orders', run: 'run-1', groupsMax: GROUPS_MAX, ifExists: true },
  })
  expect(JSON.stringify(calls[0]?.arguments)).not.toContain('windowMinutes')
})

test('no more groups at a time than are allowed', async () => {
  let running = 0
  let most = 0
  await run(byFunction(12), {
    rewrite: async () => {
      most = Math.max(most, ++running)
      // Not by a timer: the virtual clock would jump over the timeout of the task.
      for (let ticks = 0; ticks < 500; ticks++) await Promise.resolve()
      running--
    },
  })
  expect(most).toBe(5)
})

test('a group that fails is put aside: the others are committed, then the execution fails and says which', async () => {
  const { execution, did, announced } = await run(byFunction(3), {
    rewrite: ({ group }) => (group === 2 ? broken('the checksums differ') : {}),
  })
  expect(did).toEqual(['plan orders', 'rewrite 1', 'rewrite 2', 'rewrite 3', 'commit orders', 'Compaction Failed'])
  const cause = '1 groups failed, the others are committed: group 2: Sluice.Terminal: the checksums differ'
  expect(execution).toEqual({ status: 'FAILED', error: 'Sluice.Terminal', cause })
  expect(announced).toEqual([
    {
      table: 'orders',
      run: 'run-1',
      stage: 'rewrite',
      error: 'Sluice.Terminal',
      cause,
      execution: expect.stringContaining('run-1'),
    },
  ])
})

test('two groups that fail are both named', async () => {
  const { execution } = await run(byFunction(2), { rewrite: ({ group }) => broken(`of ${group}`) })
  expect(execution).toMatchObject({
    cause: '2 groups failed, the others are committed: group 1: Sluice.Terminal: of 1; group 2: Sluice.Terminal: of 2',
  })
})

test('a rewrite is tried again as a conflict or a throttled call asks for', async () => {
  let attempts = 0
  const { execution, did } = await run(byFunction(1), {
    rewrite: () => (++attempts < 3 ? broken('slow down', 'Sluice.throttled') : {}),
  })
  expect(execution.status).toBe('SUCCEEDED')
  expect(did).toEqual(['plan orders', 'rewrite 1', 'rewrite 1', 'rewrite 1', 'commit orders'])
})

test.each([
  ['plan', ''],
  ['commit', 'run-1'],
])('a %s that fails is announced with its stage', async (stage, runOfEvent) => {
  const { execution, announced } = await runMachine(compact(targets), event, {
    answer: ({ action }) => (action === stage ? broken('it is broken') : planned(byFunction(1))),
  })
  expect(execution).toEqual({ status: 'FAILED', error: 'Sluice.Terminal', cause: 'it is broken' })
  expect(announced).toMatchObject([{ table: 'orders', run: runOfEvent, stage, cause: 'it is broken' }])
})

test('a group that outgrows a function goes to Athena, with the WHERE of the plan', async () => {
  const { execution, did, calls } = await run([
    { group: 1, route: 'function' },
    { group: 2, route: 'athena', where: `"day" = DATE '2026-01-01'` },
  ])
  expect(execution.status).toBe('SUCCEEDED')
  expect(did).toEqual(['plan orders', 'rewrite 1', 'startQueryExecution.sync', 'commit orders'])
  expect(calls[2]?.arguments).toEqual({
    QueryString: `OPTIMIZE "lake"."orders" REWRITE DATA USING BIN_PACK WHERE "day" = DATE '2026-01-01'`,
    QueryExecutionContext: { Catalog: 'AwsDataCatalog', Database: 'lake' },
    WorkGroup: 'sluice',
    ResultConfiguration: { OutputLocation: 's3://ops-bucket/athena/' },
  })
})

test('a table without partitions is optimized whole', async () => {
  const { calls } = await run([{ group: 1, route: 'athena' }])
  expect(calls[1]?.arguments).toMatchObject({ QueryString: 'OPTIMIZE "lake"."orders" REWRITE DATA USING BIN_PACK' })
})

test.each(['ICEBERG_OPTIMIZE_MORE_RUNS_NEEDED', 'ICEBERG_COMMIT_ERROR'])(
  'Athena is sent the same statement again after %s',
  async code => {
    let rounds = 0
    const { execution, calls } = await run([{ group: 1, route: 'athena', where: '"n" = 1' }], {
      optimize: () => (++rounds < 4 ? broken(`{"StateChangeReason": "${code}: again"}`, 'States.TaskFailed') : {}),
    })
    expect(execution.status).toBe('SUCCEEDED')
    const statements = calls.flatMap(call => (call.arguments as { readonly QueryString?: string }).QueryString ?? [])
    expect(statements).toEqual(
      Array<string>(4).fill('OPTIMIZE "lake"."orders" REWRITE DATA USING BIN_PACK WHERE "n" = 1'),
    )
  },
)

test('but not for ever, and not when the statement failed for another reason', async () => {
  const endless = await run([{ group: 1, route: 'athena' }], {
    optimize: () => broken('ICEBERG_OPTIMIZE_MORE_RUNS_NEEDED', 'States.TaskFailed'),
  })
  expect(endless.did.filter(each => each === 'startQueryExecution.sync')).toHaveLength(20)
  expect(endless.execution).toMatchObject({ status: 'FAILED', error: 'States.TaskFailed' })
  const wrong = await run([{ group: 7, route: 'athena' }], {
    optimize: () => broken('SYNTAX_ERROR: line 1', 'States.TaskFailed'),
  })
  expect(wrong.did).toEqual(['plan orders', 'startQueryExecution.sync', 'commit orders', 'Compaction Failed'])
  expect(wrong.execution).toMatchObject({ cause: expect.stringContaining('group 7: States.TaskFailed: SYNTAX_ERROR') })
})

test('a statement that Athena did not take is sent again', async () => {
  let attempts = 0
  const { execution } = await run([{ group: 1, route: 'athena' }], {
    optimize: () => (++attempts < 5 ? broken('queue full', 'Athena.TooManyRequestsException') : {}),
  })
  expect(execution.status).toBe('SUCCEEDED')
})

test('a route that nobody knows fails its group alone', async () => {
  const { execution, did } = await run([
    { group: 1, route: 'spark' },
    { group: 2, route: 'function' },
  ])
  expect(did).toEqual(['plan orders', 'rewrite 2', 'commit orders', 'Compaction Failed'])
  expect(execution).toMatchObject({ error: 'Sluice.Unroutable' })
})

test('as many groups as are allowed fit a payload, even if all of them fail at length', async () => {
  const where = `"day" = DATE '2026-01-01' AND "country" = '${'x'.repeat(1_000)}'`
  const groups = byFunction(GROUPS_MAX).map(each => ({ ...each, files: 1_000, bytes: 10 ** 12, where }))
  expect(JSON.stringify(planned(groups)).length).toBeLessThan(PAYLOAD_BYTES_MAX)
  const { execution, announced } = await run(groups, { rewrite: () => broken('y'.repeat(10_000)) })
  expect(execution).toMatchObject({ status: 'FAILED', error: 'Sluice.Terminal' })
  expect(announced).toHaveLength(1)
})
