import {
  alternate,
  atMost,
  atMostBytes,
  cpuSeconds,
  line,
  measureScript,
  peakBytes,
  type Section,
  seconds,
} from './section.ts'

const MEMORY_BYTES = 900e6
const MILLION_SECONDS = 5

/** Change rows into a table of 10,000,000 rows, against bare DuckDB finding the rows and writing the same two files. */
export const benchMerge: Section = async ({ runs, small }) => {
  measureScript('../merge.ts', '100000')
  console.log(`100,000 changes into 10,000,000 rows × 6 columns; ${runs} runs in alternation`)
  const { floors, ours } = alternate(runs, ['../merge-floor.ts', '100000'], ['../merge.ts', '100000'])
  const checks = [
    atMost('merge / bare DuckDB, medians', seconds(ours) / seconds(floors), 4),
    atMost('the same, CPU', cpuSeconds(ours) / cpuSeconds(floors), 4),
    atMostBytes('peak memory', peakBytes(ours), MEMORY_BYTES),
    atMost('bytes read / key and version columns', measureScript('../merge-bytes.ts', '100000').share, 1.2),
  ]
  if (small) return checks
  console.log('1,000,000 changes')
  const million = Array.from({ length: runs }, () => measureScript('../merge.ts', '1000000'))
  for (const each of million) console.log(`  ${line(each)}`)
  const others = ['load', 'tombstones', 'again'].map(kind => measureScript('../merge.ts', '1000000', kind))
  console.log('a first load, deletes with records without a value after them, and the first million once more')
  for (const each of others) console.log(`  ${line(each)}`)
  const is = seconds(million)
  return [
    ...checks,
    {
      what: `seconds for 1,000,000 changes, median, at most ${MILLION_SECONDS}`,
      is: is.toFixed(1),
      holds: is <= MILLION_SECONDS,
    },
    atMostBytes('peak memory of a million', peakBytes([...million, ...others]), MEMORY_BYTES),
  ]
}
