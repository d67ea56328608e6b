import { basename, dirname } from 'node:path'
import { importsOf, namedFiles } from './imports.ts'
import { isCode, isTest, type TextFile } from './repository.ts'

/** The tree of docs/architecture.md: a new folder is a decision, written there first. `/*` stands for folders of any name. */
const FOLDERS = [
  '.ci',
  '.github/*',
  ...[
    ...['ingest', 'quality', 'publish', 'cdc-apply', 'compact', 'maintain', 'sweep', 'release', 'replay'],
    ...['watch', 'canary', 'erase'],
  ].map(name => `functions/${name}`),
  'functions/quality/decode',
  'functions/quality/changes',
  'functions/quality/erase',
  'functions/cdc-apply/decode',
  'lake',
  'lake/iceberg',
  'lake/iceberg/operations',
  'lake/dqdl',
  'lake/dqdl/rules',
  'lake/duckdb',
  'lake/aws',
  'lake/disk',
  'lake/quarantine',
  'datasets',
  'workflows',
  'stacks',
  'local',
  'local/asl',
  'cli',
  'bench',
  'bench/sections',
  'conformance',
  'docs',
  'docs/decisions',
  'examples/*',
  'test',
]

/** Folders of test/ that mirror no folder of the sources. */
const TEST_FOLDERS = [
  'demo',
  'contracts',
  'golden/*',
  'infra/*',
  'interop/*',
  'docs',
  'tidy',
  'functions',
  'lake/dqdl/cases',
  'functions/cdc-apply/cases',
]

const NO_NAMES = /^(utils?|common|helpers?|managers?|misc|shared|stuff|lib|index)$/

export function misplacedFiles(files: readonly TextFile[]): readonly string[] {
  const mirrored = [...FOLDERS, ...TEST_FOLDERS].map(folder => `test/${folder}`)
  const allowed = [...FOLDERS, ...mirrored]
  return files.flatMap(({ path }) => {
    const name = basename(path).replace(/\..*$/, '')
    if (!isAllowed(dirname(path), allowed)) return [`${path}: the tree has no folder ${dirname(path)}`]
    if (NO_NAMES.test(name) && path !== 'datasets/index.ts') return [`${path}: "${name}" does not say what is in it`]
    return []
  })
}

function isAllowed(folder: string, allowed: readonly string[]): boolean {
  if (folder === '.' || allowed.includes(folder)) return true
  return allowed.some(each => each.endsWith('/*') && `${folder}/`.startsWith(each.slice(0, -1)))
}

/** A folder below functions/ is one Lambda: a handler, and a story that bears its name. */
export function unfinishedFunctions(files: readonly TextFile[]): readonly string[] {
  const paths = new Set(files.map(file => file.path))
  const names = new Set([...paths].flatMap(path => /^functions\/([^/]+)\//.exec(path)?.[1] ?? []))
  const wanted = [...names].flatMap(name => [`functions/${name}/handler.ts`, `functions/${name}/${name}.ts`])
  return wanted.filter(path => !paths.has(path)).map(path => `${path} is missing`)
}

/** Where something begins: what Node, SST or Vitest is told to run. */
const SOURCE_ENTRIES = [
  /^sst\.config\.ts$/,
  /^functions\/[\w-]+\/(firehose-)?handler\.ts$/,
  /^cli\/(sluice\.js|sluice\.ts|demo\.ts)$/,
  /^bench\/run\.ts$/,
  /^conformance\/run\.ts$/,
  /^examples\//,
]
const TEST_ENTRIES = [/\.test\.ts$/, /(^|\/)vitest\.config\.ts$/]

/** Files that wait for their first caller, each with the reason. */
export type Waiting = Readonly<Record<string, string>>

/** Source that no entry point reaches, be it that only its test knows it, and tests' files that no test reaches. */
export function orphans(files: readonly TextFile[], waiting: Waiting = {}): readonly string[] {
  const code = files.filter(isCode)
  const live = reachable(code, path => SOURCE_ENTRIES.some(entry => entry.test(path)))
  const tested = reachable(code, path => TEST_ENTRIES.some(entry => entry.test(path)))
  const unreached = code.filter(file => !live.has(file.path) && !(isTestFile(file) && tested.has(file.path)))
  const lost = unreached
    .filter(({ path }) => !(path in waiting))
    .map(({ path }) => `${path}: ${tested.has(path) ? 'only tests import it' : 'nothing imports it'}`)
  const found = Object.keys(waiting).filter(path => !unreached.some(file => file.path === path))
  return [...lost, ...found.map(path => `${path} waits for nothing any more: drop it from the list`)]
}

const isTestFile = (file: TextFile): boolean => isTest(file) || TEST_ENTRIES.some(entry => entry.test(file.path))

function reachable(files: readonly TextFile[], isEntry: (path: string) => boolean): ReadonlySet<string> {
  const byPath = new Map(files.map(file => [file.path, file]))
  const paths = new Set(byPath.keys())
  const reached = new Set([...paths].filter(isEntry))
  // A Set hands out what is added to it while it is walked.
  for (const path of reached) {
    const file = byPath.get(path)
    if (file === undefined) continue
    for (const { to } of importsOf(file)) reached.add(to)
    for (const to of namedFiles(file, paths)) reached.add(to)
  }
  return reached
}
