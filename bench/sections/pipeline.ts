import { makeEvents } from '../events.ts'
import {
  alternate,
  atMost,
  atMostBytes,
  line,
  measureScript,
  megabytes,
  peakBytes,
  type Section,
  seconds,
} from './section.ts'

/** NDJSON from landing to a committed table, against one COPY of bare DuckDB. */
export const benchPipeline: Section = async ({ runs, small }) => {
  const bytes = await makeEvents(text => console.log(text))
  console.log(
    `8 gzipped NDJSON files, ${megabytes(bytes)} raw, to a committed Iceberg table; ${runs} runs in alternation`,
  )
  const { floors, ours } = alternate(runs, ['../floor.ts'], ['../pipeline.ts'])
  const large = small ? undefined : measureScript('../pipeline.ts', '10')
  if (large) console.log(`  ten times the input: ${line(large)}`)
  const rss = peakBytes(ours)
  return [
    atMost('wall time / bare DuckDB, medians', seconds(ours) / seconds(floors), 1.35),
    atMostBytes('peak memory', rss, 700e6),
    ...(large ? [atMostBytes('peak memory at ten times the input, a tenth more', large.rssBytes, rss * 1.1)] : []),
    {
      what: 'all rows are there',
      is: String(ours[0]?.rows),
      holds: ours.every(each => each.rows === floors[0]?.rows),
    },
  ]
}
