import { diskLake } from '#lake/disk/disk-lake.ts'
import { startLocal } from '#local/run.ts'
import { dyingLake } from './dying-lake.ts'
import { shop } from './shop.ts'

// Runs the pipeline over everything in landing. Arguments: the lake's folder and, optionally, at which call of a port to die by
// SIGKILL, before or after its effect. Prints how many calls there were.
const [root = '', at = '0', when = 'before'] = process.argv.slice(2)
const { lake, calls } = dyingLake(diskLake(root), { at: Number(at), when })
const runner = startLocal(lake, shop, { windowMs: 5 })
await runner.catchUp()
await runner.idle()
await runner.close()
console.log(calls())
process.exit(0)
