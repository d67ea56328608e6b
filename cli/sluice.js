#!/usr/bin/env node
// Plain JavaScript, because an old Node must get far enough to say that it is too old. Node strips types without a flag
// from 22.18 and 23.6 on (https://nodejs.org/api/typescript.html#type-stripping), and knows Zstandard from 22.15 and 23.8 on.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)
const isEnough = major > 23 || (major === 23 && minor >= 8) || (major === 22 && minor >= 18)

if (isEnough) await import('./sluice.ts')
else restart(pinnedNode())

/** The package brings its own Node for Linux, as an optional dependency. */
function pinnedNode() {
  try {
    return createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/bin/node`)
  } catch {
    return undefined
  }
}

function restart(node) {
  if (node === undefined) {
    console.error(
      `error: Sluice needs Node 22.18 or newer, this is ${process.versions.node}: install one from nodejs.org`,
    )
    process.exit(1)
  }
  const script = fileURLToPath(new URL('./sluice.ts', import.meta.url))
  const child = spawn(node, [script, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', error => {
    console.error(`error: ${node} does not start: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]))
}
