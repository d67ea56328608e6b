// Records that a delivery stream could not process come back: each of their events is in the quarantine of its dataset, with its own bytes and what was
// wrong, and what is nobody's is a dead letter. Told of again they are there once, and one dataset's records are no part of another one's raw object.
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { release } from '#functions/release/release.ts'
import { defineDataset } from '#lake/dataset.ts'
import { diskLake, type LocalLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Rejection } from '#lake/rejection.ts'
import { type LocalRunner, startLocal } from '#local/run.ts'
import { documents, landed, uris } from '../functions/ingest/landing.ts'
import { clicks, envelope, logs, payments, streamed } from '../functions/ingest/stream-fixture.ts'
import { inFolder, query } from './lake-state.ts'

/** As Firehose delivers it: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html */
const failure = (raw: string | Uint8Array, errorCode = 'Lambda.ProcessingFailedStatus'): string =>
  `${JSON.stringify({
    attemptsMade: 1,
    arrivalTimestamp: 1777897800000,
    errorCode,
    errorMessage: 'ProcessingFailed status set for record',
    attemptEndingTimestamp: 1777897860000,
    rawData: Buffer.from(raw).toString('base64'),
    lambdaArn: 'arn:aws:lambda:eu-central-1:111122223333:function:sluice-test-firehose:$LATEST',
  })}\n`

const PLACE = 'stream-errors/processing-failed/2026/05/04/12/sluice-test-events-1-2026-05-04-12-31-00-2b7e1516'
const letters = (lake: LocalLake) => documents<Rejection>(lake, `${lake.zones.ops}/dead-letters/ingest/`)

async function inLake(
  work: (lake: LocalLake, runner: LocalRunner) => Promise<void>,
  datasets = streamed,
): Promise<void> {
  await inFolder(async folder => {
    const failures: unknown[] = []
    const lake = diskLake(folder, { log: line => line.level === 'error' && failures.push(line) })
    const runner = startLocal(lake, datasets, { windowMs: 5 })
    await work(lake, runner)
    await runner.close()
    expect(failures).toEqual([])
  })
}

async function deliver(lake: LocalLake, runner: LocalRunner, bytes: string | Uint8Array, key = PLACE): Promise<void> {
  runner.landed([await lake.storage.put(`${lake.zones.landing}/${key}`, Buffer.from(bytes))])
  await runner.idle()
}

const quarantined = (lake: LocalLake, dataset: string) =>
  query(
    lake,
    `${dataset}__quarantine`,
    table =>
      sql`SELECT decode(raw) AS raw, stage, reason, message, record::INTEGER AS record, byte_length::INTEGER AS bytes FROM ${table} ORDER BY record`,
  )

const SAID = 'Firehose: Lambda.ProcessingFailedStatus: ProcessingFailed status set for record'

test('each event has its own bytes and its own reason', () =>
  inLake(async (lake, runner) => {
    const fits = '{"_dataset":"payments"}\n{"id":1,"amount":"2.50"}\n{"id":9007199254740993}\n'
    const not = '{"_dataset":"payments"}\n{"id":"x","amount":1}\nno JSON'
    await deliver(lake, runner, failure(fits, 'Lambda.FunctionError') + failure(not))
    const function_ = 'Firehose: Lambda.FunctionError: ProcessingFailed status set for record'
    expect(await quarantined(lake, 'payments')).toEqual([
      row(1, '{"id":1,"amount":"2.50"}', 'stream', 'stream:Lambda.FunctionError', function_),
      row(2, '{"id":9007199254740993}', 'stream', 'stream:Lambda.FunctionError', function_),
      row(3, '{"id":"x","amount":1}', 'contract', 'type:id', `id: "x" is not long; ${SAID}`),
      row(4, 'no JSON', 'decode', 'not_object', `the event is no JSON object; ${SAID}`),
    ])
    expect(await letters(lake)).toEqual([])
  }))

test('text in another encoding is in the quarantine of the dataset that the record names, byte for byte; without a name it is nobody’s', () =>
  inLake(async (lake, runner) => {
    const latin = Buffer.from('{"id":1,"note":"caf\u00e9"}', 'latin1')
    const named = Buffer.concat([Buffer.from('{"_dataset":"payments"}\n'), latin])
    await deliver(lake, runner, failure(named) + failure(latin))
    const refused = () =>
      query(
        lake,
        'payments__quarantine',
        table => sql`SELECT hex(raw) AS raw, stage, reason, message FROM ${table} ORDER BY record`,
      )
    const expected = [
      {
        raw: latin.toString('hex').toUpperCase(),
        stage: 'decode',
        reason: 'utf8',
        message: `the record is not valid UTF-8; ${SAID}`,
      },
    ]
    expect(await refused()).toEqual(expected)
    expect((await letters(lake)).map(each => each.message)).toEqual([
      '1 record that Firehose could not process: of no dataset, the first of them Lambda.ProcessingFailedStatus',
    ])
    await release(lake, payments, { action: 'release', filter: {}, dryRun: false })
    await runner.idle()
    expect(await refused(), 'released, it is refused again').toHaveLength(1)
  }))

const row = (record: number, raw: string, stage: string, reason: string, message: string) => ({
  raw,
  stage,
  reason,
  message,
  record,
  bytes: raw.length,
})

test('records of several datasets in one object, and told of again', () =>
  inLake(async (lake, runner) => {
    const click = '{"type":"click","id":1}'
    const log = '{"level":"info"}'
    const both = `${click}\n{"logGroup":"/aws/lambda/shop","message":${log}}`
    const bytes =
      failure(both) + failure(envelope('/aws/lambda/shop', [log])) + failure('{"type":"tap"}') + failure('?')
    await deliver(lake, runner, gzipSync(bytes), `${PLACE}.gz`)
    await runner.catchUp()
    await runner.idle()
    expect((await quarantined(lake, 'clicks')).map(each => [each['raw'], each['reason']])).toEqual([
      [click, 'stream:Lambda.ProcessingFailedStatus'],
      ['{"type":"tap"}', 'required:id'],
    ])
    expect((await quarantined(lake, 'logs')).map(each => each['raw'])).toEqual([log, log])
    expect(await letters(lake)).toMatchObject([
      { reason: 'stream-error', sourceUri: `${lake.zones.landing}/${PLACE}.gz` },
    ])
    // Whoever may read the logs must not find payments or clicks among them.
    const raw = await uris(lake, `${lake.zones.raw}/logs/`)
    expect(raw).toHaveLength(1)
    expect(Buffer.from(await lake.storage.get(raw[0] as string)).toString('utf8')).not.toContain(
      Buffer.from('{"type":"tap"}').toString('base64'),
    )
    expect((await landed(lake)).map(({ dataset, outcome }) => `${dataset} ${outcome.kind}`).toSorted()).toEqual([
      'clicks batched',
      'logs batched',
      'undefined rejected',
    ])
  }))

test.each([
  ['a dataset of no such name', failure('{"_dataset":"orders"}\n{"id":1}')],
  ['an event of nobody', failure('{"type":"scroll"}')],
  ['a line that says nothing of a record', 'Service unavailable\n'],
  ['a document without the record', '{"errorCode":"x"}\n'],
  ['gzip that is cut', gzipSync(failure('{"type":"click","id":1}')).subarray(0, 60)],
])('%s is a dead letter, its bytes stay in landing', (_what, bytes) =>
  inLake(async (lake, runner) => {
    await deliver(lake, runner, bytes)
    expect((await letters(lake)).map(each => each.reason)).toEqual(['stream-error'])
    expect(await uris(lake, lake.zones.landing)).toHaveLength(1)
    expect(await uris(lake, lake.zones.raw)).toEqual([])
  }),
)

test('once a dataset takes them, they are quarantined when they are told of again', () =>
  inFolder(async folder => {
    const lake = diskLake(folder)
    const before = startLocal(lake, [logs], { windowMs: 5 })
    await deliver(
      lake,
      before,
      failure('{"type":"click","id":1}') + failure(envelope('/aws/lambda/shop', ['{"level":"info"}'])),
    )
    await before.close()
    const after = startLocal(lake, streamed, { windowMs: 5 })
    await after.catchUp()
    await after.idle()
    await after.close()
    expect(await quarantined(lake, 'clicks')).toHaveLength(1)
    expect(await quarantined(lake, 'logs')).toHaveLength(1)
  }))

test('a rule that would halt a batch without rows does not keep them out of quarantine', () => {
  const gated = defineDataset({
    name: 'clicks',
    source: { system: 'web', format: 'ndjson', stream: { eventTime: 'at', route: { type: 'click' } } },
    columns: { id: 'long', at: 'timestamptz' },
    quality: 'Rules = [ RowCount > 0 ]',
  })
  return inLake(
    async (lake, runner) => {
      await deliver(
        lake,
        runner,
        failure('{"type":"click","id":1}', 'DynamicPartitioning.ActivePartitionsLimitExceeded'),
      )
      expect((await quarantined(lake, 'clicks')).map(each => each['reason'])).toEqual([
        'stream:DynamicPartitioning.ActivePartitionsLimitExceeded',
      ])
    },
    [gated],
  )
})

test('failures of the format conversion spell their fields with capitals', () =>
  inLake(async (lake, runner) => {
    const bytes = JSON.stringify({
      attemptsMade: 1,
      ErrorCode: 'DataFormatConversion.ParseError',
      ErrorMessage: 'cannot parse',
      rawData: Buffer.from('{"type":"click","id":2}').toString('base64'),
    })
    await deliver(lake, runner, bytes, 'stream-errors/format-conversion-failed/2026/x')
    expect(await quarantined(lake, 'clicks')).toMatchObject([
      {
        reason: 'stream:DataFormatConversion.ParseError',
        message: 'Firehose: DataFormatConversion.ParseError: cannot parse',
      },
    ])
  }))

test('released, they are rows like any other: what fits is in the table, what does not stays', () => {
  const gated = defineDataset({
    name: 'clicks',
    source: { system: 'web', format: 'ndjson', stream: { eventTime: 'at', route: { type: 'click' } } },
    columns: { type: 'string', id: 'long', at: 'timestamptz' },
    quality: 'Rules = [ ColumnValues "id" < 100 ]',
  })
  return inLake(
    async (lake, runner) => {
      const events = ['{"type":"click",\n"id":1}', '{"type":"click","id":"x"}', '{"type":"click","id":200}']
      const bytes = [...events, '{"type":"click","id":2}\nnot {"JSON'].map(event =>
        failure(event, 'Lambda.FunctionError'),
      )
      await deliver(lake, runner, bytes.join(''))
      expect(await quarantined(lake, 'clicks')).toHaveLength(5)
      const released = await release(lake, gated, { action: 'release', filter: {}, dryRun: false })
      expect(released).toMatchObject({ records: 5, objects: 1 })
      await runner.idle()
      expect(await query(lake, 'clicks', table => sql`SELECT id::INTEGER AS id FROM ${table} ORDER BY id`)).toEqual([
        { id: 1 },
        { id: 2 },
      ])
      expect((await quarantined(lake, 'clicks')).map(each => [each['record'], each['reason']])).toEqual([
        [2, 'type:id'],
        [3, expect.stringMatching(/^rule:/)],
        [5, 'not_object'],
      ])
    },
    [gated],
  )
})

test('a delivered object is like any other file of its dataset', () =>
  inLake(
    async (lake, runner) => {
      const key =
        'streams/clicks/event_date=2026-05-04/event_hour=10/key=de/sluice-test-events-1-2026-05-04-10-20-00-x.gz'
      await deliver(lake, runner, gzipSync('{"type":"click","id":1}\n{"type":"click","id":"x"}\n'), key)
      expect(await query(lake, 'clicks', table => sql`SELECT id::INTEGER AS id FROM ${table}`)).toEqual([{ id: 1 }])
      expect(await quarantined(lake, 'clicks')).toMatchObject([{ raw: '{"type":"click","id":"x"}', reason: 'type:id' }])
    },
    [clicks, payments],
  ))
