// A group that was given up because somebody else changed its files is named with its reason and with what to do, and counts as
// not done.
import { expect, test } from 'vitest'
import type { Call } from '../../cli/command.ts'
import { type CompactResult, isDone, printReport } from '../../cli/compact-printer.ts'

const group = { route: 'function', bytes: 4_000, outputs: 1, outputBytes: 4_000, files: 6 } as const

const result: CompactResult = {
  planned: {
    table: 'events',
    run: 'r1',
    snapshotId: '17',
    groups: [
      { ...group, group: 0, partition: 'day=2026-01-01' },
      { ...group, group: 1, partition: '' },
    ],
    before: { files: 12, bytes: 8_000 },
    after: { files: 2, bytes: 8_000 },
    gbSeconds: 28,
  },
  report: {
    table: 'events',
    run: 'r1',
    snapshotIds: ['18'],
    committed: [1],
    givenUp: [{ group: 0, reason: 'a.parquet is not in the table any more' }],
    unfinished: [],
    before: { files: 6, bytes: 4_000 },
    after: { files: 1, bytes: 3_000 },
    rows: 1_200,
  },
  ms: 2_000,
}

async function printed(of: CompactResult): Promise<string> {
  const written: string[] = []
  const out = { columns: 80, colour: false, write: async (text: string) => Boolean(written.push(text)) }
  // The printer looks at nothing but the terminal.
  await printReport({ terminal: { out } } as unknown as Call, of)
  return written.join('')
}

test('what was committed, what was given up and why, and what to do', async () => {
  expect(await printed(result)).toBe(
    [
      '✓ events: 6 files → 1, 4.0 kB → 3.0 kB, 1,200 rows as before, in 2.00 s (2.0 kB/s)',
      '  snapshot 18',
      '! day=2026-01-01 was left as it is: a.parquet is not in the table any more',
      '  Run it again: it plans anew with the files that are there now.',
      '',
    ].join('\n'),
  )
  expect(isDone(result.report)).toBe(false)
})

test('when nothing was committed, nothing is said to be', async () => {
  const report = { ...result.report, committed: [], snapshotIds: [] }
  expect(await printed({ ...result, report })).not.toContain('✓')
})

test('all groups committed is done', () => {
  expect(isDone({ ...result.report, givenUp: [] })).toBe(true)
  expect(isDone({ ...result.report, givenUp: [], unfinished: [1] })).toBe(false)
})
