import { alternate, atMost, atMostBytes, line, measureScript, peakBytes, type Section, seconds } from './section.ts'

/** 25 rules over 104 columns and a million rows, against bare DuckDB computing the same aggregates in one scan. */
export const benchQuality: Section = async ({ runs }) => {
  console.log(`25 rules over 104 columns × 1,000,000 rows; ${runs} runs in alternation`)
  const { floors, ours } = alternate(runs, ['../quality-floor.ts'], ['../quality.ts'])
  console.log('the same with an outcome for every row')
  const rows = alternate(runs, ['../quality.ts'], ['../quality.ts', 'rows'])
  console.log('reading a ruleset of 1,000 rules')
  const parses = Array.from({ length: runs }, () => measureScript('../rules-parse.ts'))
  for (const each of parses) console.log(`  ${line(each)}`)
  const parsed = seconds(parses)
  return [
    atMost('evaluation / bare DuckDB, medians', seconds(ours) / seconds(floors), 2),
    atMost('with rows / without, medians', seconds(rows.ours) / seconds(rows.floors), 2),
    { what: 'ms to read 1,000 rules, median, under 50', is: (parsed * 1_000).toFixed(1), holds: parsed < 0.05 },
    atMostBytes('peak memory', Math.max(peakBytes(ours), peakBytes(rows.ours)), 1e9),
  ]
}
