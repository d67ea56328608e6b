import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { collectAtOnce } from '#lake/collector.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { balanceOf, isBalanced } from '#local/balance.ts'
import { startLocal } from '#local/run.ts'
import { DATA, events, FILES, part } from './events.ts'
import { report } from './measure.ts'

collectAtOnce()
// The whole pipeline on the disk lake: from objects in landing to a committed Iceberg table. The argument repeats the input.
const times = Number(process.argv[2] ?? 1)
const root = join(DATA, `lake-${times}`)
await rm(root, { recursive: true, force: true })
const lake = diskLake(root, { log: line => line.level === 'error' && console.error(line.message, line.fields) })
const landed = []
for (let at = 0; at < FILES * times; at++) {
  const path = part(at % FILES)
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
  landed.push(await lake.storage.upload(path, `${lake.zones.landing}/events/part${at}.json.gz`, { sha256 }))
}
const before = process.cpuUsage()
const started = performance.now()
const runner = startLocal(lake, [events])
runner.landed(landed)
await runner.idle()
const seconds = (performance.now() - started) / 1_000
const { user, system } = process.cpuUsage(before)
const rssBytes = process.resourceUsage().maxRSS * 1_024
await runner.close()
const balance = await balanceOf(lake, events)
if (!isBalanced(balance)) throw new Error(`records are missing: ${JSON.stringify(balance)}`)
report({
  name: times === 1 ? 'pipeline' : `pipeline x${times}`,
  seconds,
  rows: balance.rows,
  rssBytes,
  cpuSeconds: (user + system) / 1e6,
})
await rm(root, { recursive: true, force: true })
process.exit(0)
