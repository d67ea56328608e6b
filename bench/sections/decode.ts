import { atMostBytes, line, measureScript, peakBytes, type Section, seconds } from './section.ts'

/** Debezium events from raw objects to staged change rows, in one process: at least 100 MB a second. */
export const benchDecode: Section = async ({ runs }) => {
  console.log(`Debezium events of PostgreSQL, plain and as records of a topic; ${runs} runs`)
  const measured = ['none', 'kafka'].map(wrapper => {
    const all = Array.from({ length: runs }, () => measureScript('../decode.ts', wrapper))
    for (const each of all) console.log(`  ${line(each)}, ${(each.rows / each.seconds).toFixed(0)} MB/s`)
    return all
  })
  const speeds = measured.map(all => (all[0]?.rows ?? 0) / seconds(all))
  return [
    ...speeds.map((speed, at) => ({
      what: `MB/s ${at === 0 ? 'of plain events' : 'of records of a topic'}, median, at least 100`,
      is: speed.toFixed(0),
      holds: speed >= 100,
    })),
    atMostBytes('peak memory', Math.max(...measured.map(peakBytes)), 900e6),
  ]
}
