import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import type { Graph } from './graph.ts'

/** The graphs of a stage that is thrown away, of one that stays and of one that reads streams, evaluated once for all tests. */
export default function setup(project: TestProject): void {
  const root = join(import.meta.dirname, '../..')
  project.provide('graphs', {
    test: graphOf(root, 'test'),
    production: graphOf(root, 'production'),
    streams: graphOf(root, 'streams', join(import.meta.dirname, 'streams')),
  })
}

function graphOf(root: string, stage: string, ...streams: readonly string[]): Graph {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-graph-'))
  const out = join(folder, 'graph.json')
  try {
    const main = join(import.meta.dirname, 'evaluate/main.ts')
    execFileSync(process.execPath, [main, root, stage, out, ...streams], {
      cwd: root,
      stdio: 'inherit',
      timeout: 120_000,
    })
    return JSON.parse(readFileSync(out, 'utf8'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
