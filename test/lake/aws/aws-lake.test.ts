// Contract: the lake of a function is what its environment says, and an environment that lacks something is refused at once, by name.
import { beforeAll, expect, test } from 'vitest'
import { awsLake } from '#lake/aws/aws-lake.ts'
import { isLakeError } from '#lake/errors.ts'
import { kindOf } from '../../contracts/storage.contract.ts'

const complete = {
  SLUICE_LANDING_URI: 's3://acme-landing',
  SLUICE_RAW_URI: 's3://acme-raw/',
  SLUICE_STAGING_URI: 's3://acme-staging/prod',
  SLUICE_TABLES_URI: 's3://acme-tables/tables',
  SLUICE_OPS_URI: 's3://acme-ops',
  SLUICE_DATABASE: 'lake',
  SLUICE_BUS: 'sluice',
  SLUICE_MACHINE_REFINE: 'arn:aws:states:eu-central-1:1:stateMachine:refine',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3538',
}

beforeAll(() => {
  process.env['AWS_REGION'] ??= 'eu-central-1'
})

test('zones, limits and scratch come from the environment', () => {
  const lake = awsLake(complete)
  expect(lake.zones).toEqual({
    landing: 's3://acme-landing',
    raw: 's3://acme-raw',
    staging: 's3://acme-staging/prod',
    tables: 's3://acme-tables/tables',
    ops: 's3://acme-ops',
  })
  expect(lake.limits).toEqual({ memoryBytes: 3538 * 1024 * 1024, threads: 2, scratch: '/tmp/sluice' })
})

test('threads follow the memory that Lambda sells CPUs by', () => {
  const threads = (memory: string) => awsLake({ ...complete, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memory }).limits.threads
  expect(['128', '1769', '1770', '10240'].map(threads)).toEqual([1, 1, 2, 6])
})

test('all that is missing is named at once', () => {
  const { SLUICE_BUS: _bus, SLUICE_RAW_URI: _raw, ...rest } = complete
  try {
    awsLake(rest)
    expect.fail('it was accepted')
  } catch (error) {
    expect(isLakeError(error, 'usage') && error.message).toBe('the environment lacks SLUICE_RAW_URI, SLUICE_BUS')
  }
})

test('a zone that is not in S3 is refused', () => {
  for (const uri of ['acme-raw', 'file:///raw', 's3://', 'https://acme-raw'])
    expect(() => awsLake({ ...complete, SLUICE_RAW_URI: uri })).toThrow(/SLUICE_RAW_URI must be like/)
})

test('a machine that the environment does not name cannot be started', async () => {
  expect(await kindOf(awsLake(complete).workflows.start('compact', { name: 'x', input: {} }))).toBe('usage')
})
