// sst.config.ts, unmodified, evaluates without an error and without asking anything that no mock answers; every handler
// bundles; stages are apart; what holds data outlives a stage that stays.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { datasets } from '../../datasets/index.ts'
import { withCanary } from '../../lake/canary.ts'
import { FUNCTION, ofType, one } from './checks/check.ts'

const graphs = inject('graphs')
const root = join(import.meta.dirname, '../..')
const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** What Lambda itself sets, as far as it is read while a handler loads. */
const LAMBDA = { AWS_REGION: 'eu-west-1', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769', AWS_LAMBDA_FUNCTION_NAME: 'test' }

test.each([graphs.test, graphs.production])('stage $stage evaluates, all of it against mocks', graph => {
  expect(graph.errors).toEqual([])
  expect(graph.unknownCalls).toEqual([])
  expect(graph.resources.length).toBeGreaterThan(80)
})

test('every function has a handler that bundles, exports it, and leaves outside only what is installed beside it', () => {
  const handlers = graphs.test.bundles.map(bundle => bundle.handler).sort()
  const folders = 'canary cdc-apply compact ingest maintain publish quality release replay sweep watch'.split(' ')
  expect(handlers).toEqual(
    [
      'functions/ingest/firehose-handler.handler',
      ...folders.map(name => `functions/${name}/handler.handler`),
    ].toSorted(),
  )
  expect(ofType(graphs.test, FUNCTION)).toHaveLength(handlers.length)
  for (const bundle of graphs.test.bundles) {
    expect(bundle.errors, bundle.handler).toEqual([])
    expect(bundle.exports, bundle.handler).toContain('handler')
    expect(Object.keys(bundle.installed), bundle.handler).toEqual(expect.arrayContaining([...bundle.external]))
    // A bundle of a few bytes has lost its story; one of many megabytes starts slowly.
    expect(bundle.bytes, bundle.handler).toBeGreaterThan(10_000)
    expect(bundle.bytes, bundle.handler).toBeLessThan(12_000_000)
  }
})

test('every bundle loads with the environment that it is deployed with', () => {
  for (const { functionId, folder } of graphs.test.bundles) {
    const { environment } = one(graphs.test, FUNCTION, `${functionId}Function`).inputs
    const loaded = execFileSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { handler } = await import('${folder}/bundle.mjs'); console.log(typeof handler)`,
      ],
      { env: { ...LAMBDA, ...environment.variables }, encoding: 'utf8', timeout: 30_000 },
    )
    expect(loaded.trim(), functionId).toBe('function')
  }
})

test('the native package that is installed has the version that was tested', () => {
  const version = packageJson.dependencies['@duckdb/node-api']
  expect(version).toMatch(/^\d/)
  for (const bundle of graphs.test.bundles) expect(bundle.installed).toEqual({ '@duckdb/node-api': version })
})

test('two stages share no bucket, queue, function or database', () => {
  const ids = (graph: typeof graphs.test): readonly string[] =>
    ['aws:s3/bucket:Bucket', 'aws:sqs/queue:Queue', FUNCTION, 'aws:glue/catalogDatabase:CatalogDatabase']
      .flatMap(type => ofType(graph, type))
      .map(each => each.id)
  expect(ids(graphs.test)).toHaveLength(26)
  expect(ids(graphs.test).filter(id => ids(graphs.production).includes(id))).toEqual([])
})

const DATA = [
  'aws:s3/bucket:Bucket',
  'aws:glue/catalogDatabase:CatalogDatabase',
  'aws:glue/catalogTable:CatalogTable',
] as const

test('a stage that stays keeps buckets, catalog and the keys of the data; another leaves nothing behind', () => {
  const holding = (graph: typeof graphs.test) => [
    ...DATA.flatMap(type => ofType(graph, type)),
    ...ofType(graph, 'aws:kms/key:Key').filter(key => key.name !== 'MessagesKey'),
  ]
  expect(holding(graphs.production).length).toBe(5 + 1 + withCanary(datasets).length + 5)
  for (const resource of holding(graphs.production)) expect(resource.retainOnDelete, resource.name).toBe(true)
  for (const resource of holding(graphs.test)) expect(resource.retainOnDelete, resource.name).toBe(false)
})

test('buckets are emptied with a stage that is thrown away, never with one that stays', () => {
  for (const bucket of ofType(graphs.test, 'aws:s3/bucket:Bucket')) expect(bucket.inputs.forceDestroy).toBe(true)
  for (const bucket of ofType(graphs.production, 'aws:s3/bucket:Bucket')) expect(bucket.inputs.forceDestroy).toBe(false)
})

test('on a stage that stays nobody deletes raw objects, whatever their role allows', () => {
  const policy = (graph: typeof graphs.test): string =>
    one(graph, 'aws:s3/bucketPolicy:BucketPolicy', 'RawPolicy').inputs.policy
  const denied = JSON.parse(policy(graphs.production)).Statement.find(
    (each: { readonly Action: unknown }): boolean =>
      Array.isArray(each.Action) && each.Action.includes('s3:DeleteObjectVersion'),
  )
  expect(denied).toMatchObject({ Effect: 'Deny', Principal: '*' })
  expect(policy(graphs.test)).not.toContain('s3:DeleteObject')
})

test('every dataset has a table over its raw objects, in the raw bucket', () => {
  const tables = ofType(graphs.test, 'aws:glue/catalogTable:CatalogTable')
  const bucket = one(graphs.test, 'aws:s3/bucket:Bucket', 'RawBucket').id
  expect(tables.map(each => each.inputs.name).sort()).toEqual(
    withCanary(datasets)
      .map(each => `${each.name}__raw`)
      .sort(),
  )
  for (const { inputs } of tables) {
    const dataset = inputs.name.replace('__raw', '')
    expect(inputs.storageDescriptor.location).toBe(`s3://${bucket}/${dataset}/`)
    expect(inputs.partitionKeys.map((key: { readonly name: string }) => key.name)).toEqual([
      'ingest_date',
      'ingest_hour',
    ])
    expect(inputs.storageDescriptor.columns.length, dataset).toBeGreaterThan(0)
  }
})

test('raw tables are read by partition projection unless the dataset registers its partitions', () => {
  for (const dataset of withCanary(datasets)) {
    const { parameters } = one(graphs.test, 'aws:glue/catalogTable:CatalogTable', `RawTable-${dataset.name}`).inputs
    expect(parameters['projection.enabled'], dataset.name).toBe(
      dataset.raw.partitions === 'projection' ? 'true' : undefined,
    )
  }
})

test('the command line finds every queue of dead letters by what a deployment leaves behind', () => {
  const { environment } = graphs.test.outputs as { readonly environment: Readonly<Record<string, string>> }
  const queues = ofType(graphs.test, 'aws:sqs/queue:Queue')
  const dead = queues.filter(queue => queue.name.includes('DeadLetters')).map(queue => queue.id)
  const named = Object.entries(environment).filter(([name]) => name.startsWith('SLUICE_DEAD_LETTERS_'))
  expect(named.map(([, url]) => url).toSorted()).toEqual(dead.toSorted())
  expect(environment['SLUICE_QUEUE_INGEST']).toBe(one(graphs.test, 'aws:sqs/queue:Queue', 'IngestQueueQueue').id)
  expect(environment['SLUICE_MACHINE_REFINE']).toBe(one(graphs.test, 'aws:sfn/stateMachine:StateMachine', 'Refine').arn)
  expect(environment['SLUICE_OPS_URI']).toMatch(/^s3:/)
})
