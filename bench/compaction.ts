import { spawnSync } from 'node:child_process'
import { compact } from '#functions/compact/compact.ts'
import { collectAtOnce } from '#lake/collector.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { report } from './measure.ts'
import { makeSmallFiles, NAME, restoreSmallFiles, rootOf, rowsOf } from './small-files.ts'

// Compacts a table of 1,000 files of about 260 KB to files of 128 MB, from the plan to the commit, proof included. The argument
// multiplies the input.
const [times = 1, mode] = [Number(process.argv[2] ?? 1), process.argv[3]]
if (mode === 'make') await makeSmallFiles(times)
else await measured()

async function measured(): Promise<void> {
  collectAtOnce()
  // In a process of its own, whose memory does not count.
  spawnSync(process.execPath, [import.meta.filename, String(times), 'make'], { stdio: 'inherit' })
  await restoreSmallFiles(times)
  const lake = diskLake(rootOf(times), {
    log: line => line.level === 'error' && console.error(line.message, line.fields),
  })
  const rows = await rowsOf(lake)
  const before = process.cpuUsage()
  const started = performance.now()
  const done = await compact(lake, { table: NAME }, { datasets: [] })
  const seconds = (performance.now() - started) / 1_000
  const { user, system } = process.cpuUsage(before)
  const rssBytes = process.resourceUsage().maxRSS * 1_024
  if (done.rows !== rows || done.givenUp.length > 0) throw new Error(`rows are missing: ${JSON.stringify(done)}`)
  report({
    name: times === 1 ? 'compaction' : `compaction x${times}`,
    ...{ seconds, rows, rssBytes, cpuSeconds: (user + system) / 1e6 },
  })
  await restoreSmallFiles(times)
  process.exit(0)
}
