import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { report } from './measure.ts'
import {
  accounts,
  changesPath,
  type Kind,
  makeChanges,
  makeTable,
  mergeLake,
  rewind,
  stageChanges,
} from './merge-lake.ts'

// From staged change rows to a committed snapshot. `merge.ts CHANGES [log|tombstones|load|again]`: `again` applies a batch of the log that the
// table has already.
const changes = Number(process.argv[2] ?? 100_000)
const isAgain = process.argv[3] === 'again'
const kind = isAgain ? 'log' : ((process.argv[3] ?? 'log') as Kind)
await makeTable()
const lake = mergeLake()
await rewind()
const rows = await makeChanges(lake, changes, kind)
const apply = async () => {
  const batch = `bench-${lake.ids.uuid()}`
  await stageChanges(lake, batch, { path: changesPath(changes, kind), rows })
  const before = process.cpuUsage()
  const started = performance.now()
  const { counts } = await cdcApply(lake, accounts, { batch })
  const seconds = (performance.now() - started) / 1_000
  const { user, system } = process.cpuUsage(before)
  const { applied, stale, superseded, duplicate, skipped } = counts
  if (applied + stale + superseded + duplicate + skipped !== rows) throw new Error(JSON.stringify(counts))
  return { seconds, cpuSeconds: (user + system) / 1e6, applied }
}
if (isAgain) await apply()
const { applied, ...measured } = await apply()
if (isAgain && applied > 0) throw new Error(`${applied} changes were applied again`)
report({ name: `merge ${process.argv[3] ?? kind}`, rows, ...measured })
process.exit(0)
