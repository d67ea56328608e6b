import { compact } from '#functions/compact/compact.ts'
import { collectAtOnce } from '#lake/collector.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { NAME, restoreSmallFiles, rootOf } from './small-files.ts'

collectAtOnce()
await restoreSmallFiles(1)
const base = diskLake(rootOf(1))
let last = process.cpuUsage(),
  lastT = performance.now()
const mark = (n: string) => {
  const v = process.cpuUsage(last)
  const t = performance.now()
  console.log(
    n.padEnd(40),
    ((v.user + v.system) / 1e6).toFixed(3),
    'cpu',
    ((t - lastT) / 1000).toFixed(3),
    's rss',
    Math.round(process.resourceUsage().maxRSS / 1024),
  )
  last = process.cpuUsage()
  lastT = performance.now()
}
let stages = 0
const storage = new Proxy(base.storage, {
  get: (t, n) => {
    const m = Reflect.get(t, n)
    if (typeof m !== 'function') return m
    return async (...a: any[]) => {
      if (n === 'stage' && stages++ === 0) mark('until first stage')
      if (n === 'upload') mark('before upload')
      const r = await m.apply(t, a)
      if (n === 'upload') mark('upload')
      if (n === 'put') mark('put ' + String(a[0]).slice(-30))
      return r
    }
  },
})
const engine = {
  open: async (o: any) => {
    const s = await base.engine.open(o)
    mark('open')
    return new Proxy(s, {
      get: (t, n) => {
        const m = Reflect.get(t, n)
        if (n !== 'rows' && n !== 'run') return typeof m === 'function' ? m.bind(t) : m
        return async (q: any) => {
          mark('  before ' + q.text.slice(0, 24))
          const r = await m.call(t, q)
          mark('  ' + q.text.slice(0, 34) + ' … ' + q.text.length)
          return r
        }
      },
    })
  },
}
const done = await compact({ ...base, storage, engine } as any, { table: NAME })
mark('end')
console.log(done.after)
await restoreSmallFiles(1)
process.exit(0)
