import { line, measureScript, type Section, seconds } from './section.ts'

/** Planning a scan over 100,000 live files. */
export const benchPlan: Section = async ({ runs }) => {
  console.log(`planning a scan of 100,000 live files; ${runs} runs`)
  // The first one makes the table.
  measureScript('../plan.ts')
  const plans = Array.from({ length: runs }, () => measureScript('../plan.ts'))
  for (const each of plans) console.log(`  ${line(each)}`)
  console.log(`  ${line(measureScript('../plan.ts', 'where'))}`)
  const median = seconds(plans)
  return [{ what: 'seconds to plan 100,000 files, median, under 3', is: median.toFixed(2), holds: median < 3 }]
}
