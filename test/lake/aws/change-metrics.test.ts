// Contract: what became of a batch of change events reaches CloudWatch with the dataset as its only dimension, in one line of the embedded metric
// format: every count under its own name, and the lag where the source tells times; a batch that is applied again is not counted again; the
// report comes back as it was.
import { afterEach, expect, test, vi } from 'vitest'
import { countChanges } from '#lake/aws/change-metrics.ts'

afterEach(() => vi.restoreAllMocks())

const REPORT = {
  dataset: 'customers',
  counts: {
    ...{ received: 21, applied: 1, superseded: 2, stale: 3, duplicate: 4, skipped: 5, deadLetters: 6 },
    ...{ patched: 7, unresolved: 8, resurrectionsPrevented: 9 },
  },
  committedMs: 1_700_000_010_500,
  newestEventMs: 1_700_000_000_000,
  repeated: false,
}

function written<R extends typeof REPORT>(report: R): readonly Record<string, unknown>[] {
  const lines: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation(text => lines.push(...String(text).split('\n')) > 0)
  vi.spyOn(console, 'log').mockImplementation(line => void lines.push(String(line)))
  expect(countChanges(report)).toBe(report)
  vi.restoreAllMocks()
  return lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Record<string, unknown>)
}

test('each count under its own name, and the lag in seconds', () => {
  const [line, ...more] = written(REPORT)
  expect(more).toEqual([])
  expect(line).toMatchObject({
    dataset: 'customers',
    ChangesReceived: 21,
    ChangesApplied: 1,
    ChangesSuperseded: 2,
    ChangesStale: 3,
    ChangesDuplicate: 4,
    ChangesSkipped: 5,
    ChangesDeadLetter: 6,
    ColumnsPatched: 7,
    ColumnsUnresolved: 8,
    ResurrectionsPrevented: 9,
    ChangeLagSeconds: 10.5,
  })
  expect(line?.['_aws']).toMatchObject({ CloudWatchMetrics: [{ Namespace: 'Sluice' }] })
  expect(JSON.stringify(line?.['_aws'])).toContain('[["service","dataset"]]')
})

test('no lag where the source tells no times, and none below zero where its clock is ahead', () => {
  const { newestEventMs: _, ...timeless } = REPORT
  expect(written(timeless as typeof REPORT)[0]).not.toHaveProperty('ChangeLagSeconds')
  expect(written({ ...REPORT, newestEventMs: REPORT.committedMs + 60_000 })[0]).toMatchObject({ ChangeLagSeconds: 0 })
})

test('a batch that was applied before is not counted again', () => {
  expect(written({ ...REPORT, repeated: true })).toEqual([])
})
