// A process that dies by SIGKILL at any call of a port, and is started again, ends with every record exactly once.
// SLUICE_KILLS=all tries every call, before and after its effect; by default a spread of them.
import { spawn } from 'node:child_process'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { balanceOf } from '#local/balance.ts'
import { ALL_KILLS, KILLS_TIMEOUT } from '../functions/kills.ts'
import { inFolder, orderIds, soundIds } from './lake-state.ts'
import { orderLines, orders, PRICES, prices } from './shop.ts'

const SPREAD = 14

interface Ending {
  readonly signal: string | null
  readonly code: number | null
  readonly output: string
}

function run(root: string, ...death: readonly string[]): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'dying-process.ts'), root, ...death], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', chunk => {
      output += chunk
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, output }))
  })
}

async function landing(root: string): Promise<void> {
  await mkdir(join(root, 'landing/orders'), { recursive: true })
  await mkdir(join(root, 'landing/prices'), { recursive: true })
  await writeFile(join(root, 'landing/orders/a'), orderLines(0, 20))
  await writeFile(join(root, 'landing/orders/b'), orderLines(20, 20))
  await writeFile(join(root, 'landing/prices/today.csv'), PRICES)
}

async function expectOnce(root: string): Promise<void> {
  const lake = diskLake(root)
  expect(await orderIds(lake)).toEqual(soundIds(0, 40))
  expect(await balanceOf(lake, orders)).toMatchObject({ objects: 2, read: 40, rows: 36, quarantined: 4, superseded: 0 })
  expect(await balanceOf(lake, prices)).toMatchObject({ objects: 1, read: 2, rows: 2, quarantined: 0, superseded: 0 })
}

test('killed at a call of a port and started again', { timeout: KILLS_TIMEOUT }, async () => {
  await inFolder(async folder => {
    const template = join(folder, 'template')
    await landing(template)
    const whole = join(folder, 'whole')
    await cp(template, whole, { recursive: true, preserveTimestamps: true })
    const calls = Number((await run(whole)).output)
    await expectOnce(whole)
    expect(calls).toBeGreaterThan(SPREAD)
    let died = 0
    const planned = deaths(calls)
    for (const [at, when] of planned) {
      const root = join(folder, `killed-${at}-${when}`)
      await cp(template, root, { recursive: true, preserveTimestamps: true })
      const killed = await run(root, String(at), when)
      // The number of calls varies a little with timing: a run may be over before a late one comes.
      if (killed.signal === 'SIGKILL') died++
      else expect(killed.code, `call ${at}, ${when}`).toBe(0)
      expect((await run(root)).code).toBe(0)
      await expectOnce(root)
    }
    expect(died).toBeGreaterThan(planned.length * 0.9)
  })
})

test('killed at moments of its own choosing, several times in a row', { timeout: 120_000 }, async () => {
  await inFolder(async root => {
    await landing(root)
    for (let ms = 250; ms <= 750; ms += 100) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'dying-process.ts'), root], { stdio: 'ignore' })
      const ended = new Promise(resolve => child.on('close', resolve))
      setTimeout(() => child.kill('SIGKILL'), ms)
      await ended
    }
    expect((await run(root)).code).toBe(0)
    await expectOnce(root)
  })
})

function deaths(calls: number): readonly (readonly [at: number, when: string])[] {
  const all = Array.from({ length: calls - 2 }, (_, at) => at + 1).flatMap(at => [
    [at, 'before'] as const,
    [at, 'after'] as const,
  ])
  if (ALL_KILLS) return all
  const stride = all.length / SPREAD
  return Array.from({ length: SPREAD }, (_, at) => all[Math.floor(at * stride)] as readonly [number, string])
}
