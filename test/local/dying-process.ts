import { diskLake, type LocalLake } from '#lake/disk/disk-lake.ts'
import { startLocal } from '#local/run.ts'
import { shop } from './shop.ts'

// Runs the pipeline over everything in landing. Arguments: the lake's folder and, optionally, at which call of a port to die by
// SIGKILL, before or after its effect. Prints how many calls there were.
const [root = '', at = '0', when = 'before'] = process.argv.slice(2)
let calls = 0

function dying<Port extends object>(port: Port): Port {
  return new Proxy(port, {
    get(target, name) {
      const member = Reflect.get(target, name) as unknown
      if (typeof member !== 'function' || name === 'subscribe') return member
      return (...given: unknown[]) => {
        const mine = ++calls === Number(at)
        if (mine && when === 'before') process.kill(process.pid, 'SIGKILL')
        const result = Reflect.apply(member, target, given) as unknown
        if (!mine) return result
        if (result instanceof Promise) return result.finally(() => process.kill(process.pid, 'SIGKILL'))
        // A listing has no end of its own to die after.
        process.kill(process.pid, 'SIGKILL')
        return result
      }
    },
  })
}

const real = diskLake(root)
const lake: LocalLake = { ...real, storage: dying(real.storage), catalog: dying(real.catalog), bus: dying(real.bus) }
const runner = startLocal(lake, shop, { windowMs: 5 })
await runner.catchUp()
await runner.idle()
await runner.close()
console.log(calls)
process.exit(0)
