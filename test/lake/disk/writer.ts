// A process that writes as fast as it can until it is killed. Every object says in its bytes and in its metadata what it should be.
import { diskStorage } from '#lake/disk/disk-storage.ts'

const [root = '', seed = '0'] = process.argv.slice(2)
const storage = diskStorage(root)

for (let round = 0; ; round++) {
  const number = Number(seed) * 1_000_000 + round
  const body = Buffer.alloc(1 + ((number * 7919) % 400_000), number % 251)
  const metadata = { fill: String(number % 251), bytes: String(body.length) }
  await storage.put(`file://${root}/ops/overwritten`, body, { metadata })
  await storage.put(`file://${root}/raw/created/${number}`, body, { metadata, ifNoneMatch: true })
  await storage.copy(`file://${root}/raw/created/${number}`, `file://${root}/tables/copied`, { metadata })
  if (round === 0) process.stdout.write('writing\n')
}
