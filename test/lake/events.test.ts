// Events are small and carry pointers: what a rule may match on, and where the rest is. Their names are those that rules spell.
import { expect, expectTypeOf, test } from 'vitest'
import type { BatchManifest, ObjectOutcome, Verdict } from '../../lake/batch.ts'
import { memoryLake } from '../../lake/disk/disk-lake.ts'
import { batchRejected, EVENT_SOURCE, qualityEvaluated, rawBatchReady, tableCommitted } from '../../lake/events.ts'
import type { LakeEvent } from '../../lake/lake.ts'

const lake = memoryLake()

const manifest = (objects: number): BatchManifest => ({
  id: 'B1',
  dataset: 'orders',
  objects: Array.from({ length: objects }, (_, index) => ({
    id: `R${index}`,
    uri: `s3://raw/${index}`,
    version: 'v1',
    bytes: 10,
    sha256: 'ab',
    sourceUri: `s3://landing/${index}`,
    sourceVersion: 'v1',
    landedMs: 0,
    contractVersion: 1,
  })),
})

const outcome = (applied: number, quarantined: number): ObjectOutcome => ({
  rawObject: 'R0',
  read: applied + quarantined,
  applied,
  quarantined,
  superseded: 0,
  reasons: {},
})

test('Raw Batch Ready points at the manifest', () => {
  const event = rawBatchReady(lake, manifest(3))
  expect(event).toEqual({
    'detail-type': 'Raw Batch Ready',
    detail: {
      dataset: 'orders',
      batch: 'B1',
      manifest: 's3://memory-ops/batches/orders/B1/manifest.json',
      objects: 3,
      bytes: 30,
    },
  })
  expectTypeOf(event).toExtend<LakeEvent>()
  expect(EVENT_SOURCE).toBe('sluice')
})

test('its size does not grow with the batch', () => {
  expect(JSON.stringify(rawBatchReady(lake, manifest(1_000))).length).toBeLessThan(300)
})

test('Table Committed sums the outcomes; the snapshot id is text', () => {
  const report = {
    batch: 'B1',
    dataset: 'orders',
    table: 'orders',
    tableUuid: 'u',
    commitId: 'C1',
    snapshotId: '9007199254740993',
    quarantineSnapshotId: undefined,
    objects: [outcome(5, 1), outcome(7, 0)],
    committedMs: 0,
  }
  expect(tableCommitted(report, { table: 'orders', smallFiles: 4, compactionDue: true })).toEqual({
    'detail-type': 'Table Committed',
    detail: {
      dataset: 'orders',
      table: 'orders',
      batch: 'B1',
      commitId: 'C1',
      snapshotId: '9007199254740993',
      rows: 12,
      quarantined: 1,
      smallFiles: 4,
      compactionDue: true,
    },
  })
})

test('an evaluation is told in the field names of the events that Glue really sends', () => {
  const rule = { evaluatedRule: '', reason: 'r', consequence: 'none', labels: {}, metrics: {} } as const
  const quality = {
    evaluatedMs: 0,
    score: 0.25,
    rules: [
      { ...rule, rule: 'RowCount > 0', outcome: 'Passed' },
      { ...rule, rule: 'IsComplete "a"', outcome: 'Failed' },
      { ...rule, rule: 'IsComplete "b"', outcome: 'Failed' },
      { ...rule, rule: 'IsComplete "c"', outcome: 'Error' },
    ],
    metrics: {},
    results: { table: 'sluice__quality_results', tableUuid: 'u', schemaId: 0, specId: 0, files: [] },
  } as const
  expect(qualityEvaluated(lake, { dataset: 'orders', batch: 'B1', quality })).toEqual({
    'detail-type': 'Data Quality Evaluation Results Available',
    detail: {
      context: { contextType: 'GLUE_JOB', jobId: 'B1', jobName: 'quality', evaluationContext: 'orders' },
      resultId: 'B1',
      rulesetNames: ['orders'],
      state: 'FAILED',
      score: 0.25,
      numRulesSucceeded: 1,
      numRulesFailed: 3,
      numRulesSkipped: 0,
      dataset: 'orders',
      batch: 'B1',
      verdict: 's3://memory-staging/orders/B1/verdict.json',
    },
  })
  const passing = { ...quality, score: 1, rules: quality.rules.slice(0, 1) }
  expect(qualityEvaluated(lake, { dataset: 'orders', batch: 'B1', quality: passing }).detail).toMatchObject({
    state: 'SUCCEEDED',
    numRulesSucceeded: 1,
    numRulesFailed: 0,
  })
})

test('Batch Rejected says why and where the verdict is', () => {
  const table = { table: 'orders', tableUuid: 'u', schemaId: 0, specId: 0, files: [] }
  const verdict: Verdict = {
    batch: 'B1',
    dataset: 'orders',
    status: 'halt',
    reason: 'Completeness "id" > 0.9',
    target: table,
    quarantine: undefined,
    objects: [],
  }
  expect(batchRejected(lake, verdict)).toEqual({
    'detail-type': 'Batch Rejected',
    detail: {
      dataset: 'orders',
      batch: 'B1',
      reason: 'Completeness "id" > 0.9',
      verdict: 's3://memory-staging/orders/B1/verdict.json',
    },
  })
})
