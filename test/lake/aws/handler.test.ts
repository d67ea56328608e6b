// Contract: a handler runs the story with its lake and the event, hands its answer and its errors on unchanged, and lets nothing
// of the event, and no field that is not on the list, reach the logs.
import type { Context } from 'aws-lambda'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { lambda } from '#lake/aws/handler.ts'
import { powertoolsLog, telemetry } from '#lake/aws/telemetry.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { LakeError, TERMINAL_ERROR } from '#lake/errors.ts'

// Powertools counts cold starts of functions that start on demand.
vi.hoisted(() => {
  process.env['AWS_LAMBDA_INITIALIZATION_TYPE'] = 'on-demand'
})

const context = {
  awsRequestId: 'request-1',
  functionName: 'ingest',
  functionVersion: '1',
  invokedFunctionArn: 'arn:aws:lambda:eu-central-1:1:function:ingest',
  memoryLimitInMB: '1024',
  logGroupName: 'g',
  logStreamName: 's',
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => 1000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
} satisfies Context

const lake = { ...memoryLake(), log: powertoolsLog(telemetry().logger) }
const lines: string[] = []
beforeEach(() => {
  lines.length = 0
  // Metrics go to the process's own output.
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    lines.push(...String(text).split('\n'))
    return true
  })
  // Powertools writes JSON lines through a console of its own or the global one, depending on where it runs.
  const { logger } = telemetry()
  for (const target of [console, (logger as unknown as { readonly console: Console }).console])
    for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const)
      vi.spyOn(target, level).mockImplementation((line: unknown) => void lines.push(String(line)))
})
afterEach(() => vi.restoreAllMocks())

const logged = (): readonly Record<string, unknown>[] =>
  lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Record<string, unknown>)

test('the answer of the story is the answer of the function', async () => {
  const handler = lambda(lake, async (given, event) => ({ same: given === lake, event }))
  expect(await handler({ a: 1 }, context)).toEqual({ same: true, event: { a: 1 } })
  // This is the first invocation of the process.
  expect(logged().filter(one => one['ColdStart'] === 1)).toHaveLength(1)
})

test('an error is thrown on as it is, and logged by kind, without its cause', async () => {
  const error = new LakeError(
    'throttled',
    'too fast\nforged',
    { table: 'trips', row: 'pii-row' },
    { cause: new Error('pii-cause') },
  )
  const handler = lambda(lake, async () => Promise.reject(error))
  await expect(handler({ secret: 'pii-event' }, context)).rejects.toBe(error)
  const line = logged().find(one => one['message'] === 'the invocation failed')
  expect(line).toMatchObject({ level: 'ERROR', kind: 'throttled', retryable: true, table: 'trips', fieldsDropped: 1 })
  expect(line?.['error_message']).toBe('too fast forged')
  expect(lines.join('\n')).not.toContain('pii-')
})

test('an error that no retry can help has the name by which the state machine knows it', async () => {
  for (const [kind, name] of [
    ['contract-broken', TERMINAL_ERROR],
    ['throttled', 'LakeError'],
  ] as const) {
    const handler = lambda(lake, async () => Promise.reject(new LakeError(kind, 'said so')))
    await expect(handler({}, context)).rejects.toMatchObject({ kind, name })
  }
})

test('a bug is logged with its place', async () => {
  const handler = lambda(lake, async () => Promise.reject(new TypeError('no such thing')))
  await expect(handler({}, context)).rejects.toThrow(TypeError)
  const line = logged().find(one => one['message'] === 'the invocation failed')
  expect(line).toMatchObject({ error_name: 'TypeError', error_message: 'no such thing' })
  expect(line?.['error_stack']).toContain('handler.test.ts')
})

test('log lines of the story carry the correlation id and the allowed fields', async () => {
  const handler = lambda(lake, async given => {
    given.log.info('copied', { dataset: 'trips', bytes: 5, snapshotId: 9007199254740993n, row: { name: 'pii-row' } })
  })
  await handler({ detail: { batch: 'batch-7', customer: 'pii-event' } }, context)
  await handler({ batch: 'not an id because of its spaces' }, context)
  const [first, second] = logged().filter(one => one['message'] === 'copied')
  expect(first).toMatchObject({
    correlation_id: 'batch-7',
    dataset: 'trips',
    bytes: 5,
    snapshotId: '9007199254740993',
    fieldsDropped: 1,
  })
  expect(second).toMatchObject({ correlation_id: 'request-1', function_request_id: 'request-1' })
  expect(lines.join('\n')).not.toContain('pii-')
})

test('cold starts and failures are metrics', async () => {
  const emf = () => logged().filter(one => one['_aws'] !== undefined)
  const works = lambda(lake, async () => 1)
  const fails = lambda(lake, async () => Promise.reject(new Error('broken')))
  await works({}, context)
  await works({}, context)
  await expect(fails({}, context)).rejects.toThrow('broken')
  expect(emf().flatMap(one => one['Failures'] ?? [])).toEqual([0, 0, 1])
  // The process was cold once, in whichever test came first.
  expect(emf().filter(one => one['ColdStart'] !== undefined)).toEqual([])
})
