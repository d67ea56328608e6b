// What the documentation shows is what happens: every TypeScript block that declares a dataset compiles and gives a valid one, and
// the README's dataset makes of the README's records exactly the tables that the README prints.
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { startLocal } from '#local/run.ts'
import { type Block, blocksOf, PAGES, ROOT, readPage } from './pages.ts'
import { ExampleProject } from './project.ts'

const declarations = PAGES.flatMap(blocksOf).filter(
  block => block.language === 'ts' && block.text.includes('defineDataset('),
)
const project = new ExampleProject()
declarations.forEach(({ text }, at) => {
  project.write(fileName(at), text)
})
afterAll(() => {
  project[Symbol.dispose]()
})

function fileName(at: number): string {
  return `example-${at}.ts`
}

test('there are examples, and they compile', () => {
  expect(declarations.length).toBeGreaterThan(1)
  expect(project.compile()).toBe('')
})

test('a mistake in an example would be seen', () => {
  using wrong = new ExampleProject()
  wrong.write('wrong.ts', (declarations[0] as Block).text.replace("'day(placed_at)'", "'day(placed)'"))
  expect(wrong.compile()).toContain('day(placed)')
})

test.each(declarations.map(({ place }, at) => [place, at] as const))('%s declares a dataset', (_place, at) => {
  expect(project.datasetsOf(fileName(at)).map(({ name }) => name)).toEqual([expect.stringMatching(/^[a-z_]+$/)])
})

describe('the README', () => {
  const blocks = blocksOf(readPage('README.md'))
  const only = (language: string): string => {
    const found = blocks.filter(block => block.language === language)
    expect(found).toHaveLength(1)
    return (found[0] as Block).text
  }

  test('prints what its example gives', async () => {
    const at = declarations.findIndex(({ place }) => place.startsWith('README.md'))
    const folder = await mkdtemp(join(tmpdir(), 'sluice-readme-'))
    try {
      const lake = diskLake(folder)
      const runner = startLocal(lake, project.datasetsOf(fileName(at)))
      const uri = `${lake.zones.landing}/orders/2026-05.ndjson`
      runner.landed([await lake.storage.put(uri, Buffer.from(only('json')))])
      await runner.idle()
      await runner.close()
      for (const { command, output } of sessions(only('console'))) expect(sluice(folder, command)).toBe(output)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

/** `$ npx sluice …` and what it prints, up to the next command. */
function sessions(text: string): readonly { readonly command: readonly string[]; readonly output: string }[] {
  const parts = text.split(/^\$ npx sluice /m).slice(1)
  expect(parts.length).toBeGreaterThan(0)
  return parts.map(part => {
    const [line = '', ...output] = part.trim().split('\n')
    const words = line.match(/"[^"]*"|\S+/g) ?? []
    return { command: words.map(word => word.replaceAll('"', '')), output: output.join('\n') }
  })
}

/** Without the count and the time below a result, and without spaces at the ends of lines. */
function sluice(lake: string, command: readonly string[]): string {
  const script = join(ROOT, 'cli/sluice.ts')
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, ...command, '--lake', lake], {
    encoding: 'utf8',
  })
  expect(status, stderr).toBe(0)
  return stdout
    .replace(/\n\d+ rows? in .*\n$/, '')
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')
}
