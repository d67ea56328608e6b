import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeEvents } from './events.ts'
import { type Measurement, measure, median } from './measure.ts'

// `npm run bench [-- --runs N] [-- --small]`: ratios against bare DuckDB, taken in alternation in one run on one machine.
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, small: { type: 'boolean', default: false } },
})
const runs = Number(values.runs)
const script = (name: string): string => join(import.meta.dirname, name)
const bytes = await makeEvents(text => console.log(text))

console.log(
  `8 gzipped NDJSON files, ${(bytes / 1e6).toFixed(0)} MB raw, to a committed Iceberg table; ${runs} runs in alternation`,
)
const floors: Required<Measurement>[] = []
const pipelines: Required<Measurement>[] = []
for (let run = 1; run <= runs; run++) {
  floors.push(measure(script('floor.ts')))
  pipelines.push(measure(script('pipeline.ts')))
  console.log(
    `  run ${run}: ${line(floors.at(-1) as Required<Measurement>)}   ${line(pipelines.at(-1) as Required<Measurement>)}`,
  )
}
const large = values.small ? undefined : measure(script('pipeline.ts'), ['10'])
if (large) console.log(`  ten times the input: ${line(large)}`)

const seconds = (of: readonly Measurement[]): number => median(of.map(each => each.seconds))
const ratio = seconds(pipelines) / seconds(floors)
const rss = Math.max(...pipelines.map(each => each.rssBytes))
const checks: readonly (readonly [what: string, is: string, holds: boolean])[] = [
  ['wall time / bare DuckDB, medians, at most 1.35', ratio.toFixed(2), ratio <= 1.35],
  ['peak memory, at most 700 MB', megabytes(rss), rss <= 700e6],
  ...(large
    ? [
        [
          'peak memory at ten times the input, at most a tenth more',
          megabytes(large.rssBytes),
          large.rssBytes <= rss * 1.1,
        ] as const,
      ]
    : []),
  ['all rows are there', String(pipelines[0]?.rows), pipelines.every(each => each.rows === floors[0]?.rows)],
]
console.log('')
for (const [what, is, holds] of checks) console.log(`${holds ? 'ok  ' : 'MISS'}  ${what}: ${is}`)
process.exit(checks.every(([, , holds]) => holds) ? 0 : 1)

function line(measurement: Required<Measurement>): string {
  return `${measurement.name} ${measurement.seconds.toFixed(2)} s (${measurement.cpuSeconds.toFixed(1)} s of CPU) ${megabytes(measurement.rssBytes)}`
}

function megabytes(value: number): string {
  return `${(value / 1e6).toFixed(0)} MB`
}
