import { parseRuleset } from '#lake/dqdl/parser.ts'
import { report } from './measure.ts'
import { RULES } from './quality-table.ts'

// The first ruleset that a process reads, of a thousand rules: nothing is warm then, as in a function that has just started.
const COUNT = 1_000
const rules = Array.from({ length: COUNT }, (_rule, at) => {
  const [rule] = RULES[at % RULES.length] as (typeof RULES)[number]
  return rule.replace(/"([a-z]+)(\d*)"/, `"$1$2_${at}"`)
})
const text = `Rules = [\n${rules.join(',\n')}\n]`
const before = process.cpuUsage()
const started = performance.now()
const { ruleset } = parseRuleset(text, { mode: 'aws' })
const seconds = (performance.now() - started) / 1_000
const { user, system } = process.cpuUsage(before)
if (ruleset?.rules.length !== COUNT) throw new Error('the rules cannot be read')
report({ name: 'rules-parse', seconds, rows: COUNT, cpuSeconds: (user + system) / 1e6 })
