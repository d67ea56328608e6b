import { alternate, atMost, atMostBytes, peakBytes, type Section, seconds } from './section.ts'

/** 25 rules over 104 columns and a million rows, against bare DuckDB computing the same aggregates in one scan. */
export const benchQuality: Section = async ({ runs }) => {
  console.log(`25 rules over 104 columns × 1,000,000 rows; ${runs} runs in alternation`)
  const { floors, ours } = alternate(runs, ['../quality-floor.ts'], ['../quality.ts'])
  console.log('the same with an outcome for every row')
  const rows = alternate(runs, ['../quality.ts'], ['../quality.ts', 'rows'])
  return [
    atMost('evaluation / bare DuckDB, medians', seconds(ours) / seconds(floors), 2),
    atMost('with rows / without, medians', seconds(rows.ours) / seconds(rows.floors), 2),
    atMostBytes('peak memory', Math.max(peakBytes(ours), peakBytes(rows.ours)), 1e9),
  ]
}
