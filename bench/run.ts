import { parseArgs } from 'node:util'
import { benchCommits } from './sections/commits.ts'
import { benchCompaction } from './sections/compaction.ts'
import { benchDecode } from './sections/decode.ts'
import { benchMerge } from './sections/merge.ts'
import { benchPipeline } from './sections/pipeline.ts'
import { benchPlan } from './sections/plan.ts'
import { benchQuality } from './sections/quality.ts'
import type { Section } from './sections/section.ts'

// `npm run bench [-- SECTION…] [-- --runs N] [-- --small]`: ratios against a floor or a peer, taken in alternation in one run on one
// machine. Without names, all sections.
const SECTIONS: Readonly<Record<string, Section>> = {
  pipeline: benchPipeline,
  compaction: benchCompaction,
  decode: benchDecode,
  merge: benchMerge,
  commits: benchCommits,
  plan: benchPlan,
  quality: benchQuality,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '5' }, small: { type: 'boolean', default: false } },
})
const unknown = positionals.filter(name => !(name in SECTIONS))
if (unknown.length > 0) {
  console.error(`there is no section ${unknown.join(', ')}; there are ${Object.keys(SECTIONS).join(', ')}`)
  process.exit(2)
}

let missed = 0
for (const [name, section] of Object.entries(SECTIONS)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const checks = await section({ runs: Number(values.runs), small: values.small })
  console.log('')
  for (const { what, is, holds } of checks) console.log(`${holds ? 'ok  ' : 'MISS'}  ${what}: ${is}`)
  console.log('')
  missed += checks.filter(each => !each.holds).length
}
process.exit(missed === 0 ? 0 : 1)
