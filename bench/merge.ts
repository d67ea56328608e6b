import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { report } from './measure.ts'
import { accounts, makeChanges, makeTable, mergeLake, rewind, stageChanges } from './merge-lake.ts'

// From staged change rows to a committed snapshot. `merge.ts CHANGES`.
const changes = Number(process.argv[2] ?? 100_000)
await makeTable()
const lake = mergeLake()
await rewind()
await makeChanges(lake, changes)
const batch = `bench-${lake.ids.uuid()}`
await stageChanges(lake, changes, batch)
const before = process.cpuUsage()
const started = performance.now()
const { counts } = await cdcApply(lake, accounts, { batch })
const seconds = (performance.now() - started) / 1_000
const { user, system } = process.cpuUsage(before)
if (counts.applied + counts.stale + counts.superseded !== changes) throw new Error(JSON.stringify(counts))
if (process.argv[3] === 'show') console.log(counts)
report({ name: 'merge', seconds, rows: changes, cpuSeconds: (user + system) / 1e6 })
process.exit(0)
