import { compact } from '#functions/compact/compact.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { dyingLake } from './dying-lake.ts'

// Compacts the table `events`. Arguments: the lake's folder and, optionally, at which call of a port to die by SIGKILL, before or
// after its effect. Prints how many calls there were.
const [root = '', at = '0', when = 'before'] = process.argv.slice(2)
const { lake, calls } = dyingLake(diskLake(root), { at: Number(at), when })
await compact(lake, { table: 'events' })
console.log(calls())
process.exit(0)
