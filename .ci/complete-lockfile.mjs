// After `npm install`: names in the lockfile the optional packages of other platforms that the registry did not have, so that
// `npm ci` finds package.json and package-lock.json in sync everywhere (npm leaves out what it could not fetch).
import { readFileSync, writeFileSync } from 'node:fs'

const OS = /(android|darwin|linux|win32|freebsd|openbsd|netbsd|sunos|aix|openharmony)/
const CPU = /(arm64|x64|ia32|arm|ppc64|s390x|riscv64|loong64|mips64el|wasm32)/

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
const known = new Set(Object.keys(lock.packages))
const added = []
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (known.has(`node_modules/${name}`) || known.has(`${path}/node_modules/${name}`)) continue
    const [os, cpu] = [OS.exec(name)?.[1], CPU.exec(name)?.[1]]
    const platform = { ...(cpu && { cpu: [cpu] }), optional: true, ...(os && { os: [os] }) }
    lock.packages[`node_modules/${name}`] = { version: range.replace(/^[\^~]/, ''), ...platform }
    added.push(name)
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([left], [right]) => (left < right ? -1 : 1)))
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added.length} entries added: ${added.join(', ')}`)
