import { alternate, atMost, atMostBytes, line, measureScript, peakBytes, type Section, seconds } from './section.ts'

/** A thousand small files into files of 128 MB, proof included, against one COPY of bare DuckDB over the same files. */
export const benchCompaction: Section = async ({ runs, small }) => {
  console.log(`1,000 Parquet files of about 260 KB, compacted; ${runs} runs in alternation`)
  const { floors, ours } = alternate(runs, ['../compaction-floor.ts'], ['../compaction.ts'])
  const large = small ? undefined : measureScript('../compaction.ts', '20')
  if (large) console.log(`  twenty times the input: ${line(large)}`)
  return [
    atMost('wall time / bare DuckDB, medians', seconds(ours) / seconds(floors), 1.3),
    atMostBytes('peak memory', peakBytes(ours), 600e6),
    ...(large ? [atMostBytes('peak memory at twenty times the input (5 GB)', large.rssBytes, 600e6)] : []),
  ]
}
